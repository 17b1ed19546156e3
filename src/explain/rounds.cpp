// SPDX-License-Identifier: MIT
#include "explain/rounds.h"

#include "stats/ratio.h"
#include "stats/spread.h"

namespace netio::explain {

using model::Figure;
using model::Report;
using model::Spreads;

namespace {

constexpr const char* no_profile = "no profile was taken";

}  // namespace

Figure<double> whole_cost(const Report& report) {
    return report.profile ? report.profile->total.per_byte : Figure<double>::missing(no_profile);
}

Figure<double> counted_cost(const Report& report) {
    if (!report.profile) {
        return Figure<double>::missing(no_profile);
    }
    double sum = 0;
    std::size_t rows = 0;
    for (const model::CounterRow& row : report.counters) {
        if (row.event != (report.profile->unit == "cycles" ? "cycles" : "task-clock")) {
            continue;
        }
        if (!row.per_byte.measured()) {
            return row.per_byte;
        }
        sum += row.per_byte.value();
        ++rows;
    }
    return rows == 0 ? Figure<double>::missing("nothing was counted") : Figure<double>(sum);
}

FigureOf cost_of(const std::string& id) {
    return cost_where([id](const std::string& other) { return other == id; });
}

FigureOf cost_where(const std::function<bool(const std::string& id)>& fits) {
    return [fits](const Report& report) {
        if (!report.profile) {
            return Figure<double>::missing(no_profile);
        }
        double sum = 0;
        for (const model::StageCost& stage : report.profile->stages) {
            if (!fits(stage.id)) {
                continue;
            }
            if (!stage.per_byte.measured()) {
                return stage.per_byte;
            }
            sum += stage.per_byte.value();
        }
        return Figure<double>(sum);
    };
}

bool is_copying(const std::string& id) {
    return id.starts_with("copy-");
}

Figure<double> difference(const Figure<double>& of, const Figure<double>& against) {
    if (!of.measured() || !against.measured()) {
        return Figure<double>::missing(of.measured() ? against.reason() : of.reason());
    }
    return of.value() - against.value();
}

Figure<double> ratio(const Figure<double>& of, const Figure<double>& against) {
    return stats::safe_ratio(of, against, "the first mode's figure is 0");
}

std::vector<Figure<double>> paired(const std::vector<Round>& rounds, const FigureOf& figure_of,
                                   const Combine& combine) {
    std::vector<Figure<double>> figures;
    for (const Round& round : rounds) {
        figures.push_back(combine(figure_of(round.back()), figure_of(round.front())));
    }
    return figures;
}

std::vector<Figure<double>> of_mode(const std::vector<Round>& rounds, std::size_t mode, const FigureOf& figure_of) {
    std::vector<Figure<double>> figures;
    for (const Round& round : rounds) {
        figures.push_back(figure_of(round[mode]));
    }
    return figures;
}

Spreads spread(const std::vector<Figure<double>>& figures) {
    std::vector<double> values;
    for (const Figure<double>& figure : figures) {
        if (!figure.measured()) {
            return Spreads::missing(figure.reason());
        }
        values.push_back(figure.value());
    }
    return stats::spread_of(std::move(values));
}

bool is_clear(const Spreads& spread, double neutral) {
    return spread.measured() && (spread.value().low > neutral || spread.value().high < neutral);
}

}  // namespace netio::explain
