// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>

#include "model/figure.h"

// The one place where a ratio is computed.

namespace netio::stats {

namespace detail {

template <class T>
requires std::is_arithmetic_v<T> model::Figure<double> as_double(T number) {
    return static_cast<double>(number);
}

template <class T>
model::Figure<double> as_double(const model::Figure<T>& figure) {
    return figure.measured() ? model::Figure<double>(static_cast<double>(figure.value()))
                             : model::Figure<double>::missing(figure.reason());
}

}  // namespace detail

// numerator / denominator, of numbers or figures. Missing where either is (with its reason, the numerator's first) and
// where the denominator is zero ("division by zero", or `zero_reason`, which should say what there was none of).
template <class N, class D>
model::Figure<double> safe_ratio(const N& numerator, const D& denominator,
                                 const char* zero_reason = "division by zero") {
    model::Figure<double> above = detail::as_double(numerator);
    model::Figure<double> below = detail::as_double(denominator);
    if (!above.measured()) {
        return above;
    }
    if (!below.measured()) {
        return below;
    }
    if (below.value() == 0) {
        return model::Figure<double>::missing(zero_reason);
    }
    return above.value() / below.value();
}

}  // namespace netio::stats
