// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#include "base/text.h"
#include "report/figures.h"
#include "report/fold.h"
#include "report/sections.h"

namespace netio::report {

namespace {

using model::Account;

constexpr std::size_t columns_for_calls = 110;  // narrower pages leave this room to the place of each copy
// "copied late" on one line; longer words are folded so that 24 columns are left for skb_zerocopy_iter_stream.
constexpr std::size_t narrow_what = 11;
constexpr std::size_t wide_what = 16;

// Which columns there are. The page's width decides on the calls; without a profile there are no costs.
struct Columns {
    bool calls = false;
    std::string cost_unit;  // "ns/B"; empty: no costs
};

constexpr std::ptrdiff_t calls_column = 3;
constexpr std::ptrdiff_t cost_column = 5;

// All rows are made with every column and lose here what is not shown.
std::vector<Cell> row(const Columns& columns, std::vector<Cell> cells) {
    if (columns.cost_unit.empty()) {
        cells.erase(cells.begin() + cost_column);
    }
    if (!columns.calls) {
        cells.erase(cells.begin() + calls_column);
    }
    return cells;
}

Ink ink_of(const Account& account) {
    const bool copied = account.copies_per_byte.measured() && account.copies_per_byte.value() > 0;
    return copied && account.id.starts_with("late.") ? Ink::warning : Ink::plain;
}

std::vector<Cell> account_cells(const Account& account) {
    const Ink ink = ink_of(account);
    return {{account.stage},
            {account.what, ink},
            {show_bytes(account.bytes), ink},
            {show_count(account.calls)},
            {show_ratio(account.copies_per_byte), ink},
            {account.cost_per_byte ? format_per_byte(*account.cost_per_byte) : "", ink},
            {account.where, Ink::faint}};
}

std::vector<Cell> unexplained_cells(const model::Ledger& ledger) {
    const bool wrong = ledger.unexplained_bytes.value_or(0) > 0;
    const std::string whole = ledger.payload_bytes.measured() ? "of " + show_bytes(ledger.payload_bytes) + " sent" : "";
    return {{"unexplained", wrong ? Ink::bad : Ink::plain},
            {wrong ? "see below" : "", Ink::bad},
            {show_bytes(ledger.unexplained_bytes), wrong ? Ink::bad : Ink::plain},
            {},
            {},
            {},
            {whole, Ink::faint}};
}

// Where the end is not known, as far as it is.
std::vector<Cell> total_cells(const model::Ledger& ledger) {
    const bool whole = ledger.copies_per_byte.measured() || !ledger.sender_copies_per_byte.measured();
    const auto& copies = whole ? ledger.copies_per_byte : ledger.sender_copies_per_byte;
    return {{"copies per byte", Ink::bold},
            {whole ? "end to end" : "sender only"},
            {},
            {},
            {show_ratio(copies), Ink::bold},
            {},
            {}};
}

Grid grid_of(const model::Ledger& ledger, const Columns& shown) {
    Grid grid{"Where every byte went",
              2,
              {{Align::left, 18}, {Align::left, shown.calls ? wide_what : narrow_what}, {Align::right, 10}},
              {}};
    if (shown.calls) {
        grid.columns.push_back({Align::right, 14});
    }
    grid.columns.push_back({Align::right, 8});
    if (!shown.cost_unit.empty()) {
        grid.columns.push_back({Align::right, 8});
    }
    grid.columns.push_back({Align::left});
    grid.rows.push_back(row(shown, {{}, {}, {"bytes"}, {"calls"}, {"copies/B"}, {shown.cost_unit}, {"where"}}));
    for (const auto& account : ledger.accounts) {
        grid.rows.push_back(row(shown, account_cells(account)));
    }
    grid.rows.push_back(row(shown, unexplained_cells(ledger)));
    grid.rows.push_back(row(shown, total_cells(ledger)));
    return grid;
}

// What the costs are, and are not.
std::string cost_note(const model::Ledger& ledger, const model::Profile& profile) {
    const auto late =
        std::ranges::count_if(ledger.accounts, [](const Account& account) { return account.id.starts_with("late."); });
    return fmt::format("{}/B by samples of {}: the copying or pinning alone; all work is in the table of the profile{}",
                       profile.unit, profile.event, late > 1 ? ", where late copies of all causes are one row" : "");
}

// Why cells of the table say n/a.
std::vector<std::string> missing_notes(const model::Ledger& ledger, bool with_calls) {
    Missing missing;
    for (const auto& account : ledger.accounts) {
        const std::string name = account.stage + " " + account.what;
        missing.add_unless_measured(name, account.bytes);
        if (account.bytes.measured()) {
            missing.add_unless_measured(name + " copies/B", account.copies_per_byte);
        }
        if (account.bytes.measured() && with_calls) {
            missing.add_unless_measured(name + " calls", account.calls);
        }
    }
    for (const auto& balance : ledger.balances) {
        missing.add_unless_measured("balance of " + balance.id, balance.unexplained);
    }
    missing.add_unless_measured("unexplained", ledger.unexplained_bytes);
    missing.add_unless_measured("copies per byte end to end", ledger.copies_per_byte);
    return missing.sentences();
}

std::string imbalance(const model::Balance& balance) {
    return balance.id + " does not balance by " + show_count(balance.unexplained) + " B: " + balance.equation + "; " +
           show_count(balance.left) + " B against " + show_count(balance.right) + " B";
}

void note(Page& page, const std::string& text, Ink ink) {
    page.text({unbreakable("  ") + text, ink}, 4);
}

}  // namespace

void put_ledger(Page& page, const model::Ledger& ledger, const std::optional<model::Profile>& profile) {
    const bool costs = profile && profile->total.per_byte.measured();
    const Columns shown{page.columns() >= columns_for_calls, costs ? profile->unit + "/B" : ""};
    page.grid(grid_of(ledger, shown));
    for (const auto& balance : ledger.balances) {
        if (balance.unexplained.value_or(0) > 0) {
            note(page, imbalance(balance), Ink::bad);
        }
    }
    for (const auto& sentence : missing_notes(ledger, shown.calls)) {
        note(page, sentence, Ink::plain);
    }
    if (costs) {
        note(page, cost_note(ledger, *profile), Ink::plain);
    }
}

}  // namespace netio::report
