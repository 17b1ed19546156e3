// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/capture.h"
#include "model/figure.h"
#include "model/vocabulary.h"

// Modes held against each other: runs that took turns, so that what drifts on the machine falls on all alike.

namespace netio::model {

// Of the same figure in several runs.
struct Spread {
    double median = 0;
    double low = 0;  // the true median lies between the two in at least 95 of 100 cases
    double high = 0;
    std::size_t runs = 0;
    bool operator==(const Spread&) const = default;
};
using Spreads = Figure<Spread>;

// One class of kernel work (docs/stages.json), "program", "other" or a sum of them: nanoseconds, or cycles, a payload
// byte.
struct ComparedStage {
    std::string id;
    std::string name;
    std::vector<Spreads> per_byte;  // one for each mode
    Spreads difference;             // of the last mode against the first, round by round
    bool operator==(const ComparedStage&) const = default;
};

struct ComparedMode {
    CopyMode mode = CopyMode::one_copy;
    Spreads bits_per_second;
    Figure<double> copies_per_byte;  // of the first run
    std::string causes;              // of late copies in the first run, by bytes; empty: none was found
    bool operator==(const ComparedMode&) const = default;
};

// A part of a sum that is written out.
struct Term {
    std::string name;
    double per_byte = 0;
    bool operator==(const Term&) const = default;
};

// Messages of one size: the last mode against the first.
struct Comparison {
    Spec spec;          // of the runs; its mode means nothing
    std::string unit;   // of the costs: "ns" or "cycles"
    std::string event;  // that was sampled; empty: there was no profile
    std::size_t rounds = 0;
    std::size_t incomplete = 0;  // runs whose books did not balance
    std::vector<ComparedMode> modes;
    std::vector<ComparedStage> stages;
    ComparedStage total;
    ComparedStage copying;   // the part of the total that moves payload
    ComparedStage overhead;  // the other part
    Spreads cost_ratio;      // of the processors' time, or cycles, for a byte
    Spreads counted_ratio;   // of the costs as perf counters have them, of server and client alone: the other view
    Spreads speed_ratio;     // of the throughput
    // The difference written out, to three digits behind the point: classes that differ by more than chance, the
    // dearest first, and "rest". Their sum is the last one, "difference". Empty where there are no costs.
    std::vector<Term> sum;
    std::string verdict;
    bool operator==(const Comparison&) const = default;
};

// A message size from which on the last mode costs less than the first: 0 where it does at every size, missing where it
// does at none.
struct BreakEven {
    Figure<double> bytes;  // median over the rounds
    Figure<double> low;    // the ends of its interval
    Figure<double> high;
    bool operator==(const BreakEven&) const = default;
};

// What the last mode costs more than the first, parted into what is paid by the send and what by the byte.
struct Prediction {
    bool fitted = false;        // to several sizes; else read off the classes of the one
    Spreads fixed_per_send;     // in the unit of the costs
    Spreads overhead_per_send;  // the same without copying
    Spreads per_byte;           // without copying
    Spreads copied_per_byte;    // copying
    Spreads copy_per_byte;      // the first mode's copy into the kernel: what zero-copy is for
    BreakEven as_copied;        // with the copying as it was
    BreakEven if_saved;         // had no byte been copied later instead
    bool operator==(const Prediction&) const = default;
};

// "measured": "none up to 65 536 B".
struct Statement {
    std::string about;
    std::string text;
    bool operator==(const Statement&) const = default;
};

struct SizeComparison {
    std::vector<Comparison> sizes;  // by size, the smallest first
    BreakEven measured;             // where the difference of the costs goes below 0
    Prediction prediction;
    std::string why_none;               // why break-even sizes are not known; empty: they are
    std::vector<Statement> statements;  // on break-even, the measured one first
    std::string verdict;
    std::string other_view;   // what counters say of the same costs, and whether that agrees; empty: nothing
    std::string interrupted;  // empty: ran to the end
    bool operator==(const SizeComparison&) const = default;
};

}  // namespace netio::model
