// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "model/report.h"

// One row per report, for spreadsheets and scripts (RFC 4180, lines ended by a line feed alone). Names carry the unit.
// A figure that was not measured is an empty cell, never a 0.

namespace netio::report {

// The names of the columns, with line feed; the same for every report of this version, but for the events that a run
// was asked to count besides (--events): they have columns in its own header only.
std::string csv_header(const model::Report& report = {});
// One report as a row, with line feed: rows of several runs may follow one header.
std::string csv_row(const model::Report& report);
// Header and row.
std::string render_csv(const model::Report& report);

}  // namespace netio::report
