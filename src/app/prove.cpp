// SPDX-License-Identifier: MIT
#include "app/prove.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>

#include "app/commands.h"
#include "app/experiment.h"
#include "base/text.h"
#include "base/words.h"
#include "explain/explain.h"
#include "explain/refusals.h"
#include "ledger/books.h"
#include "predict/agreement.h"
#include "predict/page.h"
#include "predict/survey.h"
#include "report/json.h"

namespace netio::app {

using provoke::Scenario;

namespace {

std::string spell_findings(const model::Report& report) {
    std::vector<std::string> named;
    for (const auto& finding : report.findings) {
        named.push_back(finding.bytes.measured() ? fmt::format("{} {}", finding.cause, format_percent(finding.share))
                                                 : fmt::format("{} {} calls", finding.cause, finding.calls));
    }
    return named.empty() ? "nothing" : join(named, ", ");
}

std::string spell_claim(const model::Witnesses& witnesses) {
    if (!witnesses.told_calls.measured() || witnesses.told_calls.value() == 0) {
        return "no completion";
    }
    const auto copied = witnesses.told_copied_calls.value_or(0);
    const auto all = witnesses.told_calls.value();
    return copied == all ? "copied" : copied == 0 ? "zero-copy" : fmt::format("{} of {} copied", copied, all);
}

// Copies between the program and the receiver's socket: the last one, out of the kernel, is nobody's fault.
std::string spell_truth(const model::Report& report) {
    double copies = 0;
    for (const auto& account : report.ledger.accounts) {
        copies += ledger::is_of_receiver(account) ? 0 : account.copies_per_byte.value_or(0);
    }
    return fmt::format("{:.2f}", copies);
}

// Whether the cause comes by itself on this kernel, whatever was provoked.
bool comes_by_itself(const model::Finding& finding, const model::Report& report) {
    return finding.cause == "optmem-max" && explain::has_small_option_memory(report.environment);
}

// What is wrong with the causes that a report names; empty where nothing is.
std::string off_the_diagonal(const Scenario& scenario, const model::Report& report) {
    std::vector<std::string> wrong;
    for (const std::string_view must : scenario.must_name) {
        const bool found = std::any_of(report.findings.begin(), report.findings.end(),
                                       [&](const model::Finding& finding) { return finding.cause == must; });
        if (!found) {
            wrong.push_back(fmt::format("{} was not named", must));
        }
    }
    for (const auto& finding : report.findings) {
        if (!is_one_of(finding.cause, scenario.must_name) && !is_one_of(finding.cause, scenario.may_name) &&
            !comes_by_itself(finding, report)) {
            wrong.push_back(fmt::format("{} was named", finding.cause));
        }
    }
    if (report.ledger.unexplained_bytes.value_or(0) != 0) {
        wrong.push_back(fmt::format("{} are unexplained", format_bytes(report.ledger.unexplained_bytes.value())));
    }
    return join(wrong, ", ");
}

// Some kernels skip tracing programs now and then (docs/ARCHITECTURE.md); such a run says of itself that it is not
// complete, and counts for nothing.
constexpr int attempts = 5;

struct Foresight {
    std::optional<predict::Prediction> prediction;
    std::string failure;  // why there is none
};

// What `doctor --to` says in the sender's namespace of the receiver's address.
Foresight foresee(const provoke::Network& network) {
    auto sender = netns::Namespace::duplicate(network.server);
    auto receiver = predict::source_address(network.client_namespace(), network.server_address);
    if (!sender || !receiver) {
        return {{}, describe(sender ? receiver.error() : sender.error())};
    }
    auto target = predict::parse_target(*receiver);
    auto facts = target ? predict::survey({std::move(*sender), 0}, *target) : Unexpected(target.error());
    return facts ? Foresight{predict::predict(*facts), {}} : Foresight{{}, describe(facts.error())};
}

using Verdict = predict::Agreement::Verdict;

constexpr std::array<model::Name<Verdict>, 3> verdict_names{{
    {Verdict::agrees, "foreseen"},
    {Verdict::cannot_know, "unknown"},
    {Verdict::contradicts, "WRONG"},
}};

void compare(const Foresight& foresight, const model::Report& report, Proof& proof) {
    if (!foresight.prediction) {
        proof.agreement = {Verdict::contradicts, "nothing was predicted: " + foresight.failure};
        return;
    }
    proof.predicted = predict::summary(*foresight.prediction);
    proof.agreement = predict::compare(*foresight.prediction, report);
}

bool is_right(const Proof& proof) {
    return proof.outcome == Outcome::named && proof.agreement.verdict != Verdict::contradicts;
}

Proof prove_one(const Scenario& scenario, const ProveOptions& wanted, KeptTracer& kept) {
    ExperimentOptions options;
    options.spec.tier = wanted.tier;
    options.spec.provoke = scenario.id;
    options.spec.messages = wanted.messages;
    options.spec.warmup_ns = 20'000'000;
    options.spec.size_bytes =
        scenario.workload.size_bytes != 0 ? scenario.workload.size_bytes : options.spec.size_bytes;
    options.count = false;
    Foresight foresight;
    options.staged = [&](const provoke::Network& network) { foresight = foresee(network); };
    Proof proof;
    proof.scenario = &scenario;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const auto capture = run_experiment(
            options, [](const std::string&, double) {}, kept);
        if (!capture) {
            proof.outcome = capture.error().code == ExitCode::privilege ? Outcome::skipped : Outcome::failed;
            proof.detail = describe(capture.error());
            return proof;
        }
        if (!capture->interrupted.empty()) {
            proof.detail = capture->interrupted;
            return proof;
        }
        const model::Report report = explain::build_report(*capture);
        proof = judge(scenario, report);
        compare(foresight, report, proof);
        if (!wanted.json.empty()) {
            proof.run = report::to_json(report, *capture);
        }
        if (is_right(proof) || report.complete) {
            return proof;
        }
    }
    return proof;
}

// An exit code of this command alone: all was measured, and not all was right.
constexpr int wrongly_named = 1;

bool was_run(const Proof& proof) {
    return proof.outcome == Outcome::named || proof.outcome == Outcome::misnamed;
}

void print_proof(const Proof& proof) {
    fmt::print("{}  {:<29} {:<7} {:<14} {:>6}  {:<8}  {}\n", proof.scenario->group, proof.scenario->id,
               model::name_in(outcome_names, proof.outcome), proof.claim, proof.truth,
               was_run(proof) ? model::name_in(verdict_names, proof.agreement.verdict) : "", proof.named);
    if (!proof.detail.empty()) {
        fmt::print("   {}\n", proof.detail);
    }
    if (was_run(proof) && proof.agreement.verdict == Verdict::contradicts) {
        fmt::print("   predicted: {}; but {}\n", proof.predicted, proof.agreement.detail);
    }
    std::fflush(stdout);
}

model::Json to_json(const Proof& proof) {
    model::Json json{{"scenario", proof.scenario->id},
                     {"group", std::string(1, proof.scenario->group)},
                     {"outcome", model::name_in(outcome_names, proof.outcome)},
                     {"detail", proof.detail},
                     {"run", proof.run}};
    if (was_run(proof)) {
        json["prediction"] = {{"verdict", model::name_in(verdict_names, proof.agreement.verdict)},
                              {"predicted", proof.predicted},
                              {"detail", proof.agreement.detail}};
    }
    return json;
}

void print_head() {
    fmt::print("{}  {:<29} {:<7} {:<14} {:>6}  {:<8}  {}\n", "C", "provoked", "", "the program", "copies", "by doc-",
               "named");
    fmt::print("{}  {:<29} {:<7} {:<14} {:>6}  {}\n", " ", "", "", "was told", "a byte", "tor --to");
}

// How many ended how.
struct Counts {
    std::map<Outcome, std::size_t> outcomes;
    std::map<Verdict, std::size_t> verdicts;

    void add(const Proof& proof) {
        ++outcomes[proof.outcome];
        verdicts[proof.agreement.verdict] += was_run(proof) ? 1 : 0;
    }
    bool clean() {
        return outcomes[Outcome::misnamed] == 0 && outcomes[Outcome::failed] == 0 &&
               verdicts[Verdict::contradicts] == 0;
    }
    void print() {
        fmt::print("\n{} named, {} off the diagonal, {} failed, {} that this kernel cannot provoke\n",
                   outcomes[Outcome::named], outcomes[Outcome::misnamed], outcomes[Outcome::failed],
                   outcomes[Outcome::skipped]);
        fmt::print("{} predictions agree, {} say that they cannot know, {} contradict what was measured\n",
                   verdicts[Verdict::agrees], verdicts[Verdict::cannot_know], verdicts[Verdict::contradicts]);
    }
};

Result<std::vector<const Scenario*>> chosen(const std::vector<std::string>& only) {
    std::vector<const Scenario*> scenarios;
    for (const Scenario& scenario : provoke::scenarios()) {
        if (only.empty()) {
            scenarios.push_back(&scenario);
        }
    }
    for (const std::string& id : only) {
        auto found = provoke::find_scenario(id);
        if (!found) {
            return tl::make_unexpected(found.error());
        }
        scenarios.push_back(*found);
    }
    return scenarios;
}

}  // namespace

Proof judge(const Scenario& scenario, const model::Report& report) {
    Proof proof;
    proof.scenario = &scenario;
    proof.named = spell_findings(report);
    proof.claim = spell_claim(report.witnesses);
    proof.truth = spell_truth(report);
    proof.detail = off_the_diagonal(scenario, report);
    proof.outcome = proof.detail.empty() ? Outcome::named : Outcome::misnamed;
    return proof;
}

Result<int> prove(const ProveOptions& options) {
    auto scenarios = chosen(options.only);
    if (!scenarios) {
        return tl::make_unexpected(scenarios.error());
    }
    const bool table = options.json != standard_output;
    if (table) {
        print_head();
    }
    KeptTracer kept;
    Counts counts;
    model::Json proofs = model::Json::array();
    for (const Scenario* scenario : *scenarios) {
        const Proof proof = prove_one(*scenario, options, kept);
        counts.add(proof);
        if (table) {
            print_proof(proof);
        }
        if (!options.json.empty()) {
            proofs.push_back(to_json(proof));
        }
    }
    if (table) {
        counts.print();
    }
    if (!options.json.empty()) {
        const auto text = proofs.dump(1, ' ', false, model::Json::error_handler_t::replace) + "\n";
        if (auto written = put(options.json, text); !written) {
            return Unexpected(written.error());
        }
    }
    return counts.clean() ? static_cast<int>(ExitCode::ok) : wrongly_named;
}

}  // namespace netio::app
