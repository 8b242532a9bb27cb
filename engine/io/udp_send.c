/* A datagram is copied into a slot of a fixed pool, gathered, and planned into a train at the end
 * of the turn. A slot is free again when its operation has completed, so a full socket buffer makes
 * the pool run out (ERR_FULL) instead of losing what was accepted. */
#include "io/udp_send.h"

#include <assert.h>
#include <errno.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"

#define SMALL_MAX   2032 /* most SIP messages */
#define SMALL_SLOTS 4096
#define LARGE_SLOTS 32
#define TRAINS      256   /* in flight; further datagrams go one by one */
#define TRAIN_MAX   64    /* datagrams: UDP_MAX_SEGMENTS of older kernels */
#define TRAIN_BYTES 65000 /* of payload: one IP packet's, less headers */
/* Beyond so many a turn's datagrams leave before its end, so that the peer can begin. */
#define GATHER_MAX 256
#define PLANS_MAX  192
#define KINDS      128 /* powers of two: places for what was seen of lengths and peers, and of flows */
#define FLOWS      512

struct send_slot {
    struct loop_op op;
    struct udp_sender *sender;
    struct send_slot *next; /* gathered, planned or free */
    uint32_t len, flow;
    uint32_t train_max; /* what is learnt when it gets through alone; UINT32_MAX: nothing */
    struct addr to;
    char data[];
};

struct train {
    struct loop_op op;
    struct udp_sender *sender;
    struct train *next_free;
    struct msghdr msg;
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))];
    struct iovec part[TRAIN_MAX];
};

/* ---- pools ---- */

static enum err pool_open(struct send_pool *p, size_t slot_bytes, uint32_t slots)
{
    p->slot_bytes = (slot_bytes + 63) / 64 * 64;
    p->slots = slots;
    p->bytes = p->slot_bytes * slots;
    p->mem = mmap(NULL, p->bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p->mem == MAP_FAILED)
        p->mem = NULL;
    return p->mem ? OK : ERR_NOMEM;
}

static void pool_close(struct send_pool *p)
{
    if (p->mem)
        munmap(p->mem, p->bytes);
    p->mem = NULL;
}

/* next: where an object of this pool keeps the next free one. */
static void *pool_take(struct send_pool *p, size_t next)
{
    unsigned char *object = p->free;

    if (object)
        memcpy(&p->free, object + next, sizeof(p->free));
    else if (p->touched < p->slots)
        object = p->mem + p->slot_bytes * p->touched++;
    return object;
}

static void pool_give(struct send_pool *p, size_t next, void *object)
{
    memcpy((unsigned char *)object + next, &p->free, sizeof(p->free));
    p->free = object;
}

static struct send_slot *slot_take(struct udp_sender *s, uint32_t len)
{
    return pool_take(len <= SMALL_MAX ? &s->small : &s->large, offsetof(struct send_slot, next));
}

static void slot_give(struct udp_sender *s, struct send_slot *slot)
{
    pool_give(slot->len <= SMALL_MAX ? &s->small : &s->large, offsetof(struct send_slot, next),
              slot);
}

/* ---- one datagram, one train ---- */

static void landed(struct udp_sender *s)
{
    s->flying--;
    s->landed(s); /* s may be gone */
}

static void slot_done(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct send_slot *slot = container_of(op, struct send_slot, op);
    struct udp_sender *s = slot->sender;

    (void)cqe_flags;
    if (res < 0)
        s->stats->send_failed++;
    else
        s->stats->sent++;
    if (res >= 0 && slot->train_max < s->train_segment_max) {
        s->train_segment_max = slot->train_max;
        log_info("io", "datagrams of this length go one by one from now on", "bytes=%u", slot->len);
    }
    slot_give(s, slot);
    landed(s);
}

static void send_alone(struct udp_sender *s, struct send_slot *slot)
{
    struct io_uring_sqe *sqe;

    slot->op.done = slot_done;
    sqe = loop_sqe(s->loop, &slot->op);
    io_uring_prep_send(sqe, s->fd, slot->data, slot->len, 0);
    io_uring_prep_send_set_addr(sqe, &slot->to.sa, (uint16_t)addr_len(&slot->to));
    s->stats->send_calls++;
    s->flying++;
}

static struct send_slot *slot_of(const struct train *t, size_t i)
{
    return container_of((char *)t->part[i].iov_base, struct send_slot, data);
}

/* What "no" to a train may mean: EINVAL or EMSGSIZE, the path takes no segments of this length;
 * EIO, the way out cannot cut them up. Or the datagrams are bad themselves: sending them alone will
 * tell. */
static bool means_no_trains(int32_t res)
{
    return res == -EINVAL || res == -EMSGSIZE || res == -EIO || res == -EOPNOTSUPP;
}

static void break_up(struct udp_sender *s, struct train *t, int32_t res)
{
    bool too_long = res == -EINVAL || res == -EMSGSIZE;

    for (size_t i = 0; i < t->msg.msg_iovlen; i++) {
        struct send_slot *slot = slot_of(t, i);

        slot->train_max = too_long ? slot->len - 1 : 0;
        send_alone(s, slot);
    }
}

static void train_done(struct loop_op *op, int32_t res, uint32_t cqe_flags)
{
    struct train *t = container_of(op, struct train, op);
    struct udp_sender *s = t->sender;

    (void)cqe_flags;
    if (means_no_trains(res)) {
        break_up(s, t, res);
    } else {
        *(res < 0 ? &s->stats->send_failed : &s->stats->sent) += t->msg.msg_iovlen;
        for (size_t i = 0; i < t->msg.msg_iovlen; i++)
            slot_give(s, slot_of(t, i));
    }
    pool_give(&s->trains, offsetof(struct train, next_free), t);
    landed(s);
}

static void send_train(struct udp_sender *s, struct train *t, struct send_slot *first)
{
    uint16_t segment = (uint16_t)first->len;
    struct cmsghdr *c;
    size_t n = 0;

    for (struct send_slot *slot = first; slot; slot = slot->next)
        t->part[n++] = (struct iovec){slot->data, slot->len};
    t->op.done = train_done;
    t->sender = s;
    t->msg = (struct msghdr){.msg_name = &first->to,
                             .msg_namelen = addr_len(&first->to),
                             .msg_iov = t->part,
                             .msg_iovlen = n,
                             .msg_control = t->control,
                             .msg_controllen = sizeof(t->control)};
    c = CMSG_FIRSTHDR(&t->msg);
    c->cmsg_len = CMSG_LEN(sizeof(segment));
    c->cmsg_level = SOL_UDP;
    c->cmsg_type = UDP_SEGMENT;
    memcpy(CMSG_DATA(c), &segment, sizeof(segment));
    io_uring_prep_sendmsg(loop_sqe(s->loop, &t->op), s->fd, &t->msg, 0);
    s->stats->send_calls++;
    s->flying++;
}

/* ---- planning ---- */

struct plan {
    struct send_slot *first, *last;
    uint32_t count;
};

struct planner {
    struct plan plan[PLANS_MAX];
    uint32_t plans;
    uint16_t of_kind[KINDS]; /* newest plan of this length and peer, + 1 */
    uint16_t of_flow[FLOWS]; /* newest plan with a datagram of this flow, + 1 */
};

static uint32_t kind_of(const struct send_slot *slot)
{
    uint32_t peer = slot->to.sa.sa_family == AF_INET6 ? slot->to.in6.sin6_addr.s6_addr32[3]
                                                      : slot->to.in4.sin_addr.s_addr;
    uint32_t h = (peer ^ addr_port(&slot->to) ^ slot->len << 16) * UINT32_C(0x9e3779b1);

    return h >> 16;
}

static bool fits(const struct udp_sender *s, const struct plan *p, const struct send_slot *slot)
{
    return slot->len == p->first->len && slot->len && slot->len <= s->train_segment_max &&
           p->count < TRAIN_MAX && (p->count + 1) * slot->len <= TRAIN_BYTES &&
           slot->to.sa.sa_family == s->family && addr_eq(&slot->to, &p->first->to);
}

static void depart(struct udp_sender *s, struct planner *p)
{
    for (uint32_t i = 0; i < p->plans; i++) {
        struct plan *plan = &p->plan[i];
        struct train *t =
            plan->count > 1 ? pool_take(&s->trains, offsetof(struct train, next_free)) : NULL;

        plan->last->next = NULL;
        if (t)
            send_train(s, t, plan->first);
        else
            for (struct send_slot *slot = plan->first, *next; slot; slot = next) {
                next = slot->next;
                send_alone(s, slot);
            }
    }
    p->plans = 0;
    memset(p->of_kind, 0, sizeof(p->of_kind));
    memset(p->of_flow, 0, sizeof(p->of_flow));
}

static void plan_one(struct udp_sender *s, struct planner *p, struct send_slot *slot)
{
    uint16_t *kind = &p->of_kind[kind_of(slot) % KINDS], *flow = &p->of_flow[slot->flow % FLOWS];
    struct plan *plan = *kind ? &p->plan[*kind - 1] : NULL;

    /* Not into a train that leaves before one which has a datagram of this flow. Flows that share a
     * place only make shorter trains. */
    if (plan && fits(s, plan, slot) && (!slot->flow || *flow <= *kind)) {
        plan->last->next = slot;
        plan->last = slot;
        plan->count++;
    } else {
        if (p->plans == PLANS_MAX)
            depart(s, p);
        p->plan[p->plans++] = (struct plan){slot, slot, 1};
        *kind = (uint16_t)p->plans;
    }
    if (slot->flow)
        *flow = *kind;
}

static void send_gathered(struct udp_sender *s)
{
    struct send_slot *slot = s->first, *next;
    struct planner p;

    s->first = s->last = NULL;
    if (s->gathered == 1) {
        send_alone(s, slot);
    } else if (s->gathered) {
        p.plans = 0;
        depart(s, &p);
        for (; slot; slot = next) {
            next = slot->next;
            plan_one(s, &p, slot);
        }
        depart(s, &p);
    }
    s->gathered = 0;
}

void udp_sender_flush(struct udp_sender *s)
{
    send_gathered(s);
}

static void on_turn_end(struct loop_hook *h)
{
    send_gathered(container_of(h, struct udp_sender, at_turn_end));
}

enum err udp_sender_send(struct udp_sender *s, const struct addr *to, uint32_t flow,
                         struct slice data)
{
    if (data.len > UDP_DATAGRAM_MAX)
        return ERR_TOO_LONG;
    struct send_slot *slot = slot_take(s, data.len);

    if (!slot) {
        s->stats->send_refused++;
        return ERR_FULL;
    }
    slot->sender = s;
    slot->to = *to;
    slot->flow = flow;
    slot->len = data.len;
    slot->train_max = UINT32_MAX;
    slot->next = NULL;
    if (data.len)
        memcpy(slot->data, data.p, data.len);
    if (s->last)
        s->last->next = slot;
    else
        s->first = slot;
    s->last = slot;
    if (++s->gathered == GATHER_MAX) {
        send_gathered(s);
        io_uring_submit(&s->loop->ring);
    }
    return OK;
}

/* ---- life ---- */

enum err udp_sender_init(struct udp_sender *s, struct loop *l, int fd, uint16_t family,
                         struct udp_stats *stats, void (*landed_fn)(struct udp_sender *s))
{
    int segment = 0;
    socklen_t len = sizeof(segment);
    enum err e;

    /* A kernel that does not know the option would send a train as one datagram. */
    bool trains = getsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment, &len) == 0;

    *s = (struct udp_sender){.loop = l,
                             .stats = stats,
                             .fd = fd,
                             .family = family,
                             .train_segment_max = trains ? SMALL_MAX : 0,
                             .landed = landed_fn};
    s->at_turn_end.run = on_turn_end;
    e = pool_open(&s->small, sizeof(struct send_slot) + SMALL_MAX, SMALL_SLOTS);
    if (e == OK)
        e = pool_open(&s->large, sizeof(struct send_slot) + UDP_DATAGRAM_MAX, LARGE_SLOTS);
    if (e == OK)
        e = pool_open(&s->trains, sizeof(struct train), TRAINS);
    if (e == OK)
        loop_hook_add(l, &s->at_turn_end);
    return e;
}

void udp_sender_close(struct udp_sender *s)
{
    send_gathered(s);
    loop_hook_remove(&s->at_turn_end);
}

void udp_sender_fini(struct udp_sender *s)
{
    pool_close(&s->small);
    pool_close(&s->large);
    pool_close(&s->trains);
}
