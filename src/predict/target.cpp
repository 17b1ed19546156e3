// SPDX-License-Identifier: MIT
#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>

#include "kernel/parse.h"
#include "predict/survey.h"

namespace netio::predict {

namespace {

Unexpected bad_target(const std::string& text, const std::string& why) {
    return fail(fmt::format("--to '{}'", text), why,
                "an address as numbers: 10.99.0.2, 10.99.0.2:5001, fd00:11::2 or [fd00:11::2]:5001", ExitCode::usage);
}

bool is_address(int family, const std::string& host) {
    in6_addr bytes{};
    return ::inet_pton(family, host.c_str(), &bytes) == 1;
}

bool is_unspecified(int family, const std::string& host) {
    in6_addr bytes{};
    const in6_addr none{};
    ::inet_pton(family, host.c_str(), &bytes);
    return IN6_ARE_ADDR_EQUAL(&bytes, &none);
}

struct Parts {
    std::string host;
    std::string port;
    bool has_port = false;
};

// A colon ends an IPv4 address, and an IPv6 address only behind a bracket.
Parts parts_of(const std::string& text) {
    const bool bracketed = text.starts_with('[');
    const std::size_t bracket = text.find(']');
    if (bracketed && bracket != std::string::npos) {
        const std::string rest = text.substr(bracket + 1);
        return rest.empty() ? Parts{text.substr(1, bracket - 1), "", false}
                            : Parts{text.substr(1, bracket - 1), rest.substr(1), rest.starts_with(':')};
    }
    const std::size_t colon = text.find(':');
    const bool one_colon = colon != std::string::npos && text.find(':', colon + 1) == std::string::npos;
    return one_colon ? Parts{text.substr(0, colon), text.substr(colon + 1), true} : Parts{text, "", false};
}

}  // namespace

Result<Target> parse_target(const std::string& text) {
    const Parts parts = parts_of(text);
    Target target;
    target.address = parts.host;
    target.family = is_address(AF_INET, parts.host) ? AF_INET : is_address(AF_INET6, parts.host) ? AF_INET6 : 0;
    if (target.family == 0) {
        return bad_target(text, "it is no IPv4 or IPv6 address");
    }
    if (is_unspecified(target.family, parts.host)) {
        return bad_target(text, "it is the address of nobody");
    }
    const auto port = kernel::parse_number<std::uint16_t>(parts.port);
    if (parts.has_port ? !port || *port == 0 : !parts.port.empty()) {
        return bad_target(text, fmt::format("'{}' is no port from 1 to 65535", parts.port));
    }
    target.port = port.value_or(0);
    return target;
}

Result<netns::Namespace> find_namespace(const std::string& word) {
    if (word.empty()) {
        return fail("--netns ''", "it names nothing", "the number of a process, or a file of /run/netns",
                    ExitCode::usage);
    }
    const auto pid = kernel::parse_number<pid_t>(word);
    auto found = pid ? netns::Namespace::of_process(*pid) : netns::Namespace::at_path(word);
    if (!found && pid && found.error().code != ExitCode::privilege) {
        found.error().code = ExitCode::usage;
    }
    return found;
}

}  // namespace netio::predict
