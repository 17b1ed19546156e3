// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>
#include <linux/btf.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "fake_root.h"
#include "kernel/root.h"
#include "probes/types.h"

namespace {

using namespace netio;
using probes::KernelTypes;

// Type information as the kernel shows it: a header, the types in the order of their ids, the names.
class Btf {
 public:
    // `names_before`: bytes of the kernel's own names, behind which those of a module begin.
    explicit Btf(std::size_t names_before = 0) : names_before_(names_before) {}

    std::uint32_t name(std::string_view text) {
        const auto offset = static_cast<std::uint32_t>(names_before_ + strings_.size());
        strings_ += text;
        strings_ += '\0';
        return offset;
    }
    // `behind`: bytes of members or the like that follow the type.
    Btf& type(std::uint32_t kind, std::string_view text, std::uint32_t members = 0, std::size_t behind = 0,
              std::uint32_t refers_to = 0) {
        const btf_type fixed{text.empty() ? 0 : name(text), kind << 24 | members, {refers_to}};
        types_.append(reinterpret_cast<const char*>(&fixed), sizeof(fixed));
        types_.append(behind, '\0');
        return *this;
    }
    std::string bytes() const {
        btf_header header{};
        header.magic = BTF_MAGIC;
        header.version = BTF_VERSION;
        header.hdr_len = sizeof(header);
        header.type_len = static_cast<std::uint32_t>(types_.size());
        header.str_off = header.type_len;
        header.str_len = static_cast<std::uint32_t>(strings_.size());
        return std::string(reinterpret_cast<const char*>(&header), sizeof(header)) + types_ + strings_;
    }

    std::size_t name_bytes() const { return strings_.size(); }

 private:
    std::size_t names_before_;
    std::string types_;
    std::string strings_{'\0'};
};

// One type of every kind that has something behind it, so that a wrong length loses the functions after it.
Btf every_kind() {
    Btf btf;
    btf.type(BTF_KIND_INT, "int", 0, 4).type(BTF_KIND_PTR, "").type(BTF_KIND_ARRAY, "", 0, 12);
    btf.type(BTF_KIND_STRUCT, "s", 3, 36).type(BTF_KIND_UNION, "u", 2, 24).type(BTF_KIND_ENUM, "e", 2, 16);
    btf.type(BTF_KIND_FWD, "f").type(BTF_KIND_TYPEDEF, "t").type(BTF_KIND_VOLATILE, "").type(BTF_KIND_CONST, "");
    btf.type(BTF_KIND_RESTRICT, "").type(BTF_KIND_FUNC_PROTO, "", 2, 16).type(BTF_KIND_VAR, "v", 0, 4);
    btf.type(BTF_KIND_DATASEC, "d", 2, 24).type(BTF_KIND_FLOAT, "float").type(BTF_KIND_DECL_TAG, "tag", 0, 4);
    btf.type(BTF_KIND_TYPE_TAG, "user").type(BTF_KIND_ENUM64, "e64", 2, 24);
    return btf;
}

}  // namespace

TEST_CASE("kernel types: functions and tracepoints have the ids that the kernel gives them") {
    Btf btf = every_kind();
    btf.type(BTF_KIND_FUNC, "skb_copy_ubufs").type(BTF_KIND_TYPEDEF, "btf_trace_kmalloc").type(BTF_KIND_FUNC, "last");
    const auto types = KernelTypes::parse(btf.bytes());
    REQUIRE(types);
    CHECK(types->function("skb_copy_ubufs") == 19);
    CHECK(types->tracepoint("kmalloc") == 20);
    CHECK(types->function("last") == 21);
}

TEST_CASE("kernel types: functions and tracepoints have the arguments that a program gets") {
    Btf btf;
    btf.type(BTF_KIND_FUNC_PROTO, "", 3, 24).type(BTF_KIND_FUNC, "tcp_recvmsg", 0, 0, 1);
    btf.type(BTF_KIND_PTR, "", 0, 0, 1).type(BTF_KIND_TYPEDEF, "btf_trace_consume_skb", 0, 0, 3);
    btf.type(BTF_KIND_FUNC, "of_nothing", 0, 0, 77).type(BTF_KIND_FUNC, "of_itself", 0, 0, 6);
    const auto types = KernelTypes::parse(btf.bytes());
    REQUIRE(types);
    CHECK(types->arguments(types->function("tcp_recvmsg")) == 3);
    CHECK(types->arguments(types->tracepoint("consume_skb")) == 2);
    for (const std::uint32_t none : {0U, 1U, types->function("of_nothing"), types->function("of_itself"), 99U}) {
        CHECK_FALSE(types->arguments(none).has_value());
    }
}

TEST_CASE("kernel types: what is not there has id 0, whatever else has the name") {
    Btf btf;
    btf.type(BTF_KIND_STRUCT, "sock").type(BTF_KIND_TYPEDEF, "kmalloc").type(BTF_KIND_FUNC, "btf_trace_kmalloc");
    const auto types = KernelTypes::parse(btf.bytes());
    REQUIRE(types);
    CHECK(types->function("sock") == 0);
    CHECK(types->tracepoint("kmalloc") == 0);
    CHECK(types->function("") == 0);
}

TEST_CASE("kernel types: of several functions with one name the first counts") {
    Btf btf;
    btf.type(BTF_KIND_FUNC, "twice").type(BTF_KIND_FUNC, "twice");
    CHECK(KernelTypes::parse(btf.bytes())->function("twice") == 1);
}

TEST_CASE("kernel types: damaged type information is an error") {
    Btf btf = every_kind();
    const std::string whole = btf.bytes();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        const auto types = KernelTypes::parse(whole.substr(0, length));
        CHECK_FALSE_MESSAGE(types.has_value(), length);
    }
    std::string other = whole;
    other[0] = 'x';
    CHECK_FALSE(KernelTypes::parse(other));
    const auto unknown = KernelTypes::parse(btf.type(31, "new").bytes());
    REQUIRE_FALSE(unknown);
    CHECK(unknown.error().why == "type of unknown kind 31");
    CHECK(unknown.error().code == ExitCode::privilege);
}

TEST_CASE("kernel types: a kernel without them says so") {
    const FakeRoot fake;
    CHECK_FALSE(KernelTypes::load(kernel::Root{fake.path()}));
    Btf btf;
    fake.file("sys/kernel/btf/vmlinux", btf.type(BTF_KIND_FUNC, "tcp_sendmsg_locked").bytes());
    const auto types = KernelTypes::load(kernel::Root{fake.path()});
    REQUIRE(types);
    CHECK(types->function("tcp_sendmsg_locked") == 1);
}

TEST_CASE("kernel types: a module goes on where the kernel ends, and refers to it") {
    const FakeRoot fake;
    Btf kernel;
    kernel.type(BTF_KIND_FUNC_PROTO, "", 3, 24).type(BTF_KIND_FUNC, "tcp_sendmsg", 0, 0, 1);
    fake.file("sys/kernel/btf/vmlinux", kernel.bytes());
    Btf module(kernel.name_bytes());
    module.type(BTF_KIND_FUNC, "tls_sw_sendmsg", 0, 0, 1);  // of a kind that the kernel has as well
    module.type(BTF_KIND_FUNC_PROTO, "", 5, 40).type(BTF_KIND_FUNC, "tls_sw_recvmsg", 0, 0, 4);
    fake.file("sys/kernel/btf/tls", module.bytes());
    const kernel::Root root{fake.path()};
    const auto types = KernelTypes::load(root);
    REQUIRE(types);
    const auto tls = types->load_module(root, "tls");
    REQUIRE(tls);
    CHECK(types->function("tls_sw_sendmsg") == 0);
    CHECK(tls->function("tcp_sendmsg") == 0);
    CHECK(tls->function("tls_sw_sendmsg") == 3);
    CHECK(tls->arguments(tls->function("tls_sw_sendmsg")) == 3);
    CHECK(tls->function("tls_sw_recvmsg") == 5);
    CHECK(tls->arguments(tls->function("tls_sw_recvmsg")) == 5);
    CHECK_FALSE(tls->arguments(6).has_value());
    CHECK_FALSE(types->load_module(root, "wireguard").has_value());
}
