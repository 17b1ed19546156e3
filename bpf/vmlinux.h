/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel types that the BPF programs read, trimmed by hand to the members they use. Offsets and sizes come from the
 * running kernel's BTF when a program is loaded (CO-RE), so order and completeness do not matter here; names and member
 * types do. */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef unsigned char __u8;
typedef signed char __s8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef _Bool bool;
enum { false = 0, true = 1 };

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
};

enum {
	BPF_RB_NO_WAKEUP = 1,
};

#define BPF_F_CURRENT_CPU 0xffffffffULL

/* Function arguments of kprobes, and registers of system calls: each architecture has its own. */
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31], sp, pc, pstate;
};

struct pt_regs {
	__u64 regs[31], sp, pc, pstate, orig_x0;
	__s32 syscallno;
};
#endif

/* Headers as they are on the wire: their layout is the same everywhere. */
struct iphdr {
	__u8 version_and_length;
	__u8 before_protocol[8];
	__u8 protocol;
};

struct ipv6hdr {
	__u8 before_nexthdr[6];
	__u8 nexthdr;
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct timespec64 {
	__s64 tv_sec;
};

struct sock;
struct net_device;

struct sk_buff {
	struct sk_buff *next;
	struct sk_buff *prev;
	struct sock *sk;
	struct net_device *dev;
	char cb[48];
	unsigned int len;
	unsigned int data_len;
	__u16 transport_header;
	__u16 inner_transport_header;
	__u16 inner_network_header;
	__u16 network_header;
	__u8 fclone : 2;
	__u8 encapsulation : 1;
	__u8 pkt_type : 3;
	int skb_iif;
	unsigned int end;
	unsigned char *head;
	unsigned char *data;
};

struct skb_shared_info {
	__u8 flags;
	__u8 nr_frags;
	__u8 tx_flags;
	void *destructor_arg;
};

/* Linux 5.10 and 5.11: the flags stand in tx_flags (SKBTX_DEV_ZEROCOPY), there is no member `flags`. */
struct skb_shared_info___v5_10 {
	__u8 __unused;
	__u8 tx_flags;
};

struct hlist_head {
	void *first;
};

struct list_head {
	struct list_head *next, *prev;
};

struct sk_buff_head {
	struct sk_buff *next;
	struct sk_buff *prev;
};

typedef struct {
	int counter;
} atomic_t;

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct in6_addr {
	__u8 bytes[16];
};

struct sock;
struct msghdr;

/* How the calls of a socket are served; another protocol may stand before TCP's. */
struct proto {
	int (*sendmsg)(struct sock *, struct msghdr *, unsigned long);
};

struct sock_common {
	struct proto *skc_prot;
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__u32 skc_portpair;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned long skc_flags;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct sock {
	struct sock_common __sk_common;
	__u16 sk_protocol;
	__u64 sk_route_caps;
	atomic_t sk_zckey;
	atomic_t sk_omem_alloc;
	struct sk_buff_head sk_error_queue;
};

struct tcp_ulp_ops {
	char name[16];
};

struct inet_connection_sock {
	const struct tcp_ulp_ops *icsk_ulp_ops;
};

struct tcp_fastopen_request {
	struct msghdr *data;
};

struct tcp_sock {
	__u32 copied_seq;
	__u32 write_seq;
	struct tcp_fastopen_request *fastopen_req;
};

struct tcphdr {
	__be16 source;
	__be16 dest;
	__be32 seq;
	__be32 ack_seq;
	__u16 res1 : 4;
	__u16 doff : 4;
};

struct ubuf_info;

struct msghdr {
	unsigned int msg_flags;
	struct ubuf_info *msg_ubuf;
};

/* What perf's handlers of tracepoints make of their arguments: sock:sock_send_length and sock_recv_length, skb:consume_skb. */
struct trace_event_raw_sock_msg_length {
	void *sk;
	int ret;
	int flags;
};

struct trace_event_raw_consume_skb {
	void *skbaddr;
};

struct ubuf_info_ops {
	void (*complete)(struct sk_buff *, struct ubuf_info *, bool);
};

/* Linux 6.10: operations instead of one callback. */
struct ubuf_info {
	const struct ubuf_info_ops *ops;
};

/* Linux 5.10 to 6.9. */
struct ubuf_info___callback {
	void *callback;
};

/* Linux 6.1: the part that MSG_ZEROCOPY alone uses got a type of its own. */
struct ubuf_info_msgzc {
	u32 id;
	u16 len;
	u16 zerocopy : 1;
};

/* Linux 5.10 to 6.0: everything in one type. */
struct ubuf_info___one_type {
	u32 id;
	u16 len;
	u16 zerocopy : 1;
};

struct sock_extended_err {
	__u32 ee_errno;
	__u8 ee_origin;
	__u8 ee_type;
	__u8 ee_code;
	__u32 ee_info;
	__u32 ee_data;
};

struct sock_exterr_skb {
	struct sock_extended_err ee;
};

struct rtnl_link_ops {
	const char *kind;
};

struct net_device {
	char name[16];
	int ifindex;
	unsigned int flags;
	__u64 features;
	unsigned short type;
	possible_net_t nd_net;
	const struct rtnl_link_ops *rtnl_link_ops;
};

struct files_struct;

struct task_struct {
	int pid;
	struct files_struct *files;
};

struct file;

struct fdtable {
	unsigned int max_fds;
	struct file **fd;
};

struct files_struct {
	struct fdtable *fdt;
};

struct inode {
	unsigned short i_mode;
};

struct file {
	struct inode *f_inode;
	void *private_data;
};

struct socket {
	struct sock *sk;
};

enum sock_flags {
	SOCK_DEAD,
	SOCK_ZEROCOPY,
};

#pragma clang attribute pop

#endif /* __VMLINUX_H__ */
