// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace netio::model {

// A number that was measured, or the reason why it was not. Never a 0 that stands for "unknown".
template <class T>
class Figure {
 public:
    Figure() : reason_("not measured") {}
    Figure(T value) : value_(value), reason_() {}  // NOLINT(google-explicit-constructor): a plain number is a figure
    static Figure missing(std::string reason) {
        Figure figure;
        figure.reason_ = std::move(reason);
        return figure;
    }

    bool measured() const { return value_.has_value(); }
    T value() const { return value_.value(); }
    T value_or(T other) const { return value_.value_or(other); }
    const std::string& reason() const { return reason_; }
    bool operator==(const Figure&) const = default;

 private:
    std::optional<T> value_;
    std::string reason_;  // empty when measured
};

}  // namespace netio::model
