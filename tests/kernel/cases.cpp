// SPDX-License-Identifier: MIT
#include "cases.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace netio::cases {

namespace {

struct Counts {
    int run = 0;
    int skipped = 0;
};

Counts& counts() {
    static Counts all;
    return all;
}

// Of the running case; empty: it was not skipped.
std::string& reason() {
    static std::string text;
    return text;
}

// doctest can report to a file or to the terminal, not to both; a listener goes with either. https://testanything.org
class Lines : public doctest::IReporter {
 public:
    explicit Lines(const doctest::ContextOptions&) {}

    void test_case_start(const doctest::TestCaseData& data) override {
        name_ = data.m_name;
        reason().clear();
    }
    void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
        const bool skipped = stats.testCaseSuccess && !reason().empty();
        counts().run += 1;
        counts().skipped += skipped ? 1 : 0;
        const std::string skip = skipped ? " # SKIP " + reason() : std::string{};
        std::printf("%s %d - %s%s\n", stats.testCaseSuccess ? "ok" : "not ok", counts().run, name_.c_str(),
                    skip.c_str());
        std::printf("# %.1f s\n", stats.seconds);
        std::fflush(stdout);
    }
    void test_run_end(const doctest::TestRunStats&) override { std::printf("1..%d\n", counts().run); }

    void report_query(const doctest::QueryData&) override {}
    void test_run_start() override {}
    void test_case_reenter(const doctest::TestCaseData&) override {}
    void test_case_exception(const doctest::TestCaseException&) override {}
    void subcase_start(const doctest::SubcaseSignature&) override {}
    void subcase_end() override {}
    void log_assert(const doctest::AssertData&) override {}
    void log_message(const doctest::MessageData&) override {}
    void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
    std::string name_;
};

REGISTER_LISTENER("lines", 1, Lines);

}  // namespace

void skip(const std::string& why) {
    reason() = why;
    std::replace(reason().begin(), reason().end(), '\n', ' ');
}

bool all_skipped() {
    return counts().run > 0 && counts().run == counts().skipped;
}

}  // namespace netio::cases
