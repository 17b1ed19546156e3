// SPDX-License-Identifier: MIT
#include "app/prompt_end.h"

#include <signal.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstring>

#include "base/result.h"

namespace netio::app {

namespace {

constexpr std::array<int, 2> signals{SIGINT, SIGTERM};

// All that the handler may look at: it runs between any two instructions of the process (signal-safety(7)).
struct Words {
    std::atomic<const char*> wipe = "";  // takes the line of the progress away
    std::atomic<const char*> name = "";
    std::atomic<const char*> phase = "";
    std::atomic<pid_t> process = 0;
};
Words words;

iovec piece(const char* text) {
    return {const_cast<char*>(text), std::strlen(text)};
}

// A child that has not yet become another program has the handler too, and says nothing.
void end_now(int signal) {
    if (::getpid() == words.process) {
        const std::array<iovec, 7> line{{piece(words.wipe), piece(words.name), piece(": interrupted by "),
                                         piece(signal == SIGINT ? "SIGINT" : "SIGTERM"), piece(" while "),
                                         piece(words.phase), piece(": nothing was measured\n")}};
        [[maybe_unused]] const ssize_t written = ::writev(STDERR_FILENO, line.data(), line.size());
    }
    ::_exit(static_cast<int>(signal == SIGINT ? ExitCode::interrupted : ExitCode::terminated));
}

}  // namespace

PromptEnd::PromptEnd(const char* name) {
    words.wipe = ::isatty(STDERR_FILENO) != 0 ? "\r\x1b[K" : "";
    words.name = name;
    words.process = ::getpid();
    struct sigaction action {};
    action.sa_handler = end_now;
    for (const int signal : signals) {
        ::sigaction(signal, &action, nullptr);
    }
}

PromptEnd::~PromptEnd() {
    for (const int signal : signals) {
        ::signal(signal, SIG_DFL);
    }
}

void PromptEnd::phase(const char* doing) {
    words.phase = doing;
}

}  // namespace netio::app
