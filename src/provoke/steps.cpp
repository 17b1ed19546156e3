// SPDX-License-Identifier: MIT
#include "provoke/steps.h"

#include <linux/if_link.h>
#include <net/if.h>

#include <string>

#include "kernel/limits.h"
#include "kernel/root.h"
#include "model/capture.h"
#include "netns/device.h"
#include "netns/firewall.h"
#include "netns/link.h"
#include "netns/topology.h"
#include "netns/traffic.h"
#include "provoke/borrowed_socket.h"
#include "provoke/kernel_tls.h"
#include "provoke/packet_tap.h"
#include "provoke/program.h"
#include "provoke/queue_reader.h"
#include "provoke/standstill.h"

namespace netio::provoke {

namespace {

using netns::Offload;

Result<void> switch_off(const Stage& stage, Offload feature) {
    return netns::set_offload(stage.network.server, stage.network.server_device, feature, false);
}

Result<void> tap(Stage& stage, const netns::Namespace& ns) {
    auto helper = open_packet_tap(ns);
    if (!helper) {
        return Unexpected(helper.error());
    }
    stage.helpers.push_back(std::move(*helper));
    return {};
}

Result<void> filter(const netns::Namespace& ns, const std::string& device, netns::Hook hook, const std::string& name,
                    const std::vector<bpf_insn>& instructions) {
    auto program = load_program(BPF_PROG_TYPE_SCHED_CLS, name, instructions);
    return program ? netns::attach_filter(ns, device, hook, program->get(), name) : Unexpected(program.error());
}

Result<void> pass_xdp(Stage& stage, std::uint32_t flags) {
    auto program = load_program(BPF_PROG_TYPE_XDP, "netio_pass", pass_every_packet());
    if (!program) {
        return Unexpected(program.error());
    }
    auto link = attach_xdp(stage.network.client_namespace(), stage.network.client_device, program->get(), flags);
    if (!link) {
        return Unexpected(link.error());
    }
    stage.handles.push_back(std::move(*link));
    return {};
}

Result<std::uint32_t> index_of(const netns::Namespace& ns, const char* device) {
    std::uint32_t index = 0;
    auto asked = ns.run([&]() -> Result<void> {
        index = ::if_nametoindex(device);
        return {};
    });
    return asked ? Result<std::uint32_t>(index) : Unexpected(asked.error());
}

Result<void> on_connections(pid_t process, Result<void> (*change)(const Fd&)) {
    auto connections = borrow_connections(process);
    if (!connections) {
        return Unexpected(connections.error());
    }
    for (const Fd& connection : *connections) {
        if (auto changed = change(connection); !changed) {
            return changed;
        }
    }
    return {};
}

Result<void> queue_to(Stage& stage, Handling handling) {
    constexpr std::uint16_t queue = 0;
    auto reader = read_queue(stage.network.server, queue, handling);
    if (!reader) {
        return Unexpected(reader.error());
    }
    stage.helpers.push_back(std::move(*reader));
    return netns::queue_to_process(stage.network.server, queue);
}

}  // namespace

Result<void> shrink_option_memory(Stage& stage) {
    const auto written = netns::write_setting(stage.network.server, "core/optmem_max", "4096");
    const auto common = kernel::optmem_max(kernel::Root{});
    return !written && common && *common <= model::small_option_memory_bytes ? Result<void>{} : written;
}

// Documentation/networking/ip-sysctl.rst, tcp_fastopen: connect with data (0x1) without having a cookie (0x4), accept
// them (0x2) without one (0x200). A first connection that fetches the cookie would change nothing in the second one.
Result<void> allow_fast_open(Stage& stage) {
    const std::string both_ways_without_cookie = std::to_string(0x1 | 0x2 | 0x4 | 0x200);
    return netns::write_setting(stage.network.server, "ipv4/tcp_fastopen", both_ways_without_cookie).and_then([&] {
        return netns::write_setting(stage.network.client_namespace(), "ipv4/tcp_fastopen", both_ways_without_cookie);
    });
}

Result<void> switch_gathering_off(Stage& stage) {
    return switch_off(stage, Offload::scatter_gather);
}

Result<void> switch_checksums_off(Stage& stage) {
    return switch_off(stage, Offload::transmit_checksum);
}

Result<void> switch_segmentation_off(Stage& stage) {
    return switch_off(stage, Offload::segmentation);
}

Result<void> tap_sender(Stage& stage) {
    return tap(stage, stage.network.server);
}

Result<void> tap_receiver(Stage& stage) {
    return tap(stage, stage.network.client_namespace());
}

Result<void> tap_elsewhere(Stage& stage) {
    auto elsewhere = netns::Namespace::create();
    return elsewhere ? tap(stage, *elsewhere) : Unexpected(elsewhere.error());
}

Result<void> pass_generic_xdp(Stage& stage) {
    return pass_xdp(stage, XDP_FLAGS_SKB_MODE);
}

Result<void> pass_native_xdp(Stage& stage) {
    return pass_xdp(stage, XDP_FLAGS_DRV_MODE);
}

Result<void> pull_outgoing(Stage& stage) {
    return filter(stage.network.server, stage.network.server_device, netns::Hook::egress, "netio_pull",
                  pull_whole_packet());
}

Result<void> pull_incoming(Stage& stage) {
    return filter(stage.network.client_namespace(), stage.network.client_device, netns::Hook::ingress, "netio_pull",
                  pull_whole_packet());
}

Result<void> lose_packets(Stage& stage) {
    return filter(stage.network.client_namespace(), stage.network.client_device, netns::Hook::ingress, "netio_lose",
                  drop_some_packets(64));
}

Result<void> mirror_outgoing(Stage& stage) {
    auto far_end = netns::Namespace::create();
    if (!far_end) {
        return Unexpected(far_end.error());
    }
    auto cable =
        netns::make_veth({stage.network.server, "mirror0", "10.96.0.1/24"}, {*far_end, "mirror1", "10.96.0.2/24"});
    if (!cable) {
        return cable;
    }
    auto index = index_of(stage.network.server, "mirror0");
    if (!index) {
        return Unexpected(index.error());
    }
    stage.namespaces.push_back(std::move(*far_end));
    return filter(stage.network.server, stage.network.server_device, netns::Hook::egress, "netio_mirror",
                  mirror_to(*index));
}

Result<void> corrupt_packets(Stage& stage) {
    return netns::emulate(stage.network.server, stage.network.server_device, {.corrupt_percent = 5});
}

// The stretches are longer than a packet, and shorter than what is sent before the error queue has to be read.
Result<void> pull_some_without_gathering(Stage& stage) {
    constexpr std::uint32_t stretch_bytes = 128 * 1024;
    return filter(stage.network.server, stage.network.server_device, netns::Hook::egress, "netio_pull_some",
                  pull_every_other_stretch(stretch_bytes))
        .and_then([&] { return switch_gathering_off(stage); });
}

Result<void> track_at_sender(Stage& stage) {
    return netns::track_as_sip(stage.network.server);
}

Result<void> fill_in_checksums(Stage& stage) {
    return netns::fill_checksums(stage.network.server);
}

Result<void> queue_at_sender(Stage& stage) {
    return queue_to(stage, Handling::pass);
}

Result<void> lengthen_at_sender(Stage& stage) {
    return queue_to(stage, Handling::lengthen);
}

Result<void> tap_and_no_checksums(Stage& stage) {
    return tap_sender(stage).and_then([&] { return switch_checksums_off(stage); });
}

Result<void> ask_for_timestamps(Stage& stage) {
    return on_connections(stage.server, stamp_transmissions);
}

Result<void> keep_notifications_apart(Stage& stage) {
    return on_connections(stage.server, stamp_acknowledgements);
}

// A socket asks its route for what it may do when it gets the route, so the routes are made anew.
Result<void> pace_transmissions(Stage& stage) {
    return on_connections(stage.server, pace_segments);
}

Result<void> sign_both_ends(Stage& stage) {
    return on_connections(stage.server, sign_segments)
        .and_then([&] { return on_connections(stage.client, sign_segments); })
        .and_then([&] { return netns::write_setting(stage.network.server, "ipv4/route/flush", "1"); });
}

Result<void> load_kernel_tls(Stage&) {
    return require_kernel_tls();
}

// A receiver that waits in a call would be given what arrives as it was sent.
Result<void> encrypt_in_kernel(Stage& stage) {
    const auto stopped = Standstill::of(stage.client);
    if (!stopped) {
        return Unexpected(stopped.error());
    }
    return on_connections(stage.client, decrypt_arrivals).and_then([&] {
        return on_connections(stage.server, encrypt_transmissions);
    });
}

Result<void> put_sender_in_sockmap(Stage& stage) {
    auto connections = borrow_connections(stage.server);
    if (!connections) {
        return Unexpected(connections.error());
    }
    const auto program = load_program(BPF_PROG_TYPE_SK_MSG, "netio_message", pass_every_message());
    if (!program) {
        return Unexpected(program.error());
    }
    auto map = put_in_sockmap(*connections, program->get());
    if (!map) {
        return Unexpected(map.error());
    }
    stage.handles.push_back(std::move(*map));
    return {};
}

}  // namespace netio::provoke
