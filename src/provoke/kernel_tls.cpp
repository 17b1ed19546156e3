// SPDX-License-Identifier: MIT
#include "provoke/kernel_tls.h"

#include <linux/tcp.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

namespace netio::provoke {

namespace {

constexpr std::string_view upper_layer = "tls";

int put_before_tcp(const Fd& socket) {
    return ::setsockopt(socket.get(), IPPROTO_TCP, TCP_ULP, upper_layer.data(), upper_layer.size()) == 0 ? 0 : errno;
}

template <std::size_t N>
void fill(unsigned char (&field)[N], std::string_view text) {
    std::copy_n(text.begin(), std::min(N, text.size()), static_cast<unsigned char*>(field));
}

tls12_crypto_info_aes_gcm_128 shared_keys() {
    tls12_crypto_info_aes_gcm_128 keys{};
    keys.info.version = TLS_1_2_VERSION;
    keys.info.cipher_type = TLS_CIPHER_AES_GCM_128;
    fill(keys.key, "netio-trace: key");
    fill(keys.salt, "salt");
    fill(keys.iv, "vector");
    return keys;
}

// `direction`: TLS_TX or TLS_RX.
Result<void> use_keys(const Fd& socket, int direction) {
    if (const int error = put_before_tcp(socket); error != 0) {
        return fail_errno("cannot put TLS before TCP", error, "a kernel with CONFIG_TLS", ExitCode::privilege);
    }
    const auto keys = shared_keys();
    if (::setsockopt(socket.get(), SOL_TLS, direction, &keys, sizeof keys) != 0) {
        return fail_errno("the kernel takes no keys for TLS", errno, "a kernel with CONFIG_TLS and CONFIG_CRYPTO_GCM",
                          ExitCode::privilege);
    }
    return {};
}

}  // namespace

// A socket that is not connected refuses TLS as well, but only after the kernel has found it (tls_init, net/tls).
Result<void> require_kernel_tls() {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (put_before_tcp(socket) == ENOENT) {
        return fail_errno("cannot put TLS before TCP", ENOENT, "a kernel with CONFIG_TLS", ExitCode::privilege);
    }
    return {};
}

Result<void> encrypt_transmissions(const Fd& socket) {
    return use_keys(socket, TLS_TX);
}

Result<void> decrypt_arrivals(const Fd& socket) {
    return use_keys(socket, TLS_RX);
}

}  // namespace netio::provoke
