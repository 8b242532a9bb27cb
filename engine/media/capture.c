/* See capture.h. Formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng; link types as listed
 * at tcpdump.org. */
#include "media/capture.h"

#include <string.h>

#define PCAP_US      0xa1b2c3d4u
#define PCAP_NS      0xa1b23c4du
#define PCAP_HEADER  24
#define PCAP_RECORD  16
#define NG_SECTION   0x0a0d0d0au
#define NG_ORDER     0x1a2b3c4du
#define NG_INTERFACE 1u
#define NG_SIMPLE    3u
#define NG_ENHANCED  6u
#define NG_TSRESOL   9u

#define SECONDS_NS_MAX 1000000000u

struct bytes {
    const uint8_t *p;
    size_t len;
};

static uint32_t big16(const uint8_t *p)
{
    return (uint32_t)(p[0] << 8 | p[1]);
}

static uint32_t file32(const struct capture *c, const uint8_t *p)
{
    uint32_t big = big16(p) << 16 | big16(p + 2);

    return c->swapped ? big : __builtin_bswap32(big);
}

static uint32_t file16(const struct capture *c, const uint8_t *p)
{
    return c->swapped ? big16(p) : (uint32_t)(p[0] | p[1] << 8);
}

/* `swapped` says that the file is big-endian. */
static bool pcap_magic(const uint8_t *p, bool *big, bool *ns)
{
    for (int order = 0; order < 2; order++) {
        struct capture c = {.swapped = order == 1};
        uint32_t magic = file32(&c, p);

        if (magic == PCAP_US || magic == PCAP_NS) {
            *big = order == 1;
            *ns = magic == PCAP_NS;
            return true;
        }
    }
    return false;
}

bool capture_is(const uint8_t *p, size_t len)
{
    bool big, ns;

    if (len < 12)
        return false;
    return (big16(p) << 16 | big16(p + 2)) == NG_SECTION || pcap_magic(p, &big, &ns);
}

enum err capture_open(struct capture *c, const uint8_t *p, size_t len)
{
    bool ns = false;

    *c = (struct capture){.p = p, .len = len};
    if (!capture_is(p, len))
        return ERR_INVALID;
    if (!pcap_magic(p, &c->swapped, &ns)) {
        c->is_ng = true;
        return OK;
    }
    if (len < PCAP_HEADER)
        return ERR_INVALID;
    c->link[0] = (struct capture_link){.type = file32(c, p + 20) & 0xffffu,
                                       .units_a_second = ns ? SECONDS_NS_MAX : 1000000u};
    c->links = 1;
    c->at = PCAP_HEADER;
    return OK;
}

static bool take(struct bytes *b, size_t n)
{
    if (b->len < n)
        return false;
    b->p += n;
    b->len -= n;
    return true;
}

/* A frame of the file; false: of an interface that the file does not describe. */
static bool frame_of(struct capture *c, uint32_t interface, uint64_t units, struct bytes data,
                     size_t wire_len, struct capture_frame *out)
{
    c->packets++;
    if (interface >= c->links) {
        return false;
    }
    uint64_t rate = c->link[interface].units_a_second;

    *out = (struct capture_frame){
        .number = c->packets,
        .at_us = units / rate * 1000000u + (uint64_t)((double)(units % rate) * 1e6 / (double)rate),
        .link = c->link[interface].type,
        .data = data.p,
        .len = data.len,
        .cut = wire_len > data.len,
    };
    return true;
}

static bool file_ends(struct capture *c, const char *fault)
{
    c->at = c->len;
    c->fault = fault;
    return false;
}

/* ---- from the file to its frames ---- */

static bool pcap_next(struct capture *c, struct capture_frame *out)
{
    while (c->len - c->at >= PCAP_RECORD) {
        const uint8_t *p = c->p + c->at;
        uint64_t rate = c->link[0].units_a_second;
        uint64_t units = (uint64_t)file32(c, p) * rate + file32(c, p + 4);
        size_t len = file32(c, p + 8), room = c->len - c->at - PCAP_RECORD;

        if (len > room)
            return file_ends(c, "the file ends in the middle of a packet");
        c->at += PCAP_RECORD + len;
        if (frame_of(c, 0, units, (struct bytes){p + PCAP_RECORD, len}, file32(c, p + 12), out))
            return true;
    }
    return c->at == c->len ? false
                           : file_ends(c, "the file ends in the middle of a packet's header");
}

/* if_tsresol: a power of ten, or of two with the top bit set; µs when it is not said. */
static uint64_t ng_resolution(const struct capture *c, struct bytes options)
{
    while (options.len >= 4) {
        uint32_t code = file16(c, options.p), len = file16(c, options.p + 2);
        uint8_t value = options.len >= 5 ? options.p[4] : 0;

        if (code == 0)
            break;
        if (code == NG_TSRESOL && len == 1 && options.len >= 5) {
            uint64_t rate = 1;

            if (value & 0x80u)
                return (value & 0x7fu) < 63 ? 1ull << (value & 0x7fu) : 1000000u;
            for (int i = 0; i < value && i < 18; i++)
                rate *= 10;
            return rate;
        }
        if (!take(&options, 4 + (((size_t)len + 3) & ~(size_t)3)))
            break;
    }
    return 1000000u;
}

static void ng_interface(struct capture *c, struct bytes body)
{
    if (body.len < 8 || c->links == CAPTURE_INTERFACES_MAX)
        return;
    c->link[c->links++] = (struct capture_link){
        .type = file16(c, body.p),
        .units_a_second = ng_resolution(c, (struct bytes){body.p + 8, body.len - 8})};
}

static bool ng_packet(struct capture *c, uint32_t type, struct bytes body,
                      struct capture_frame *out)
{
    if (type == NG_ENHANCED && body.len >= 20) {
        uint64_t units = (uint64_t)file32(c, body.p + 4) << 32 | file32(c, body.p + 8);
        size_t len = file32(c, body.p + 12);

        return len <= body.len - 20 &&
               frame_of(c, file32(c, body.p), units, (struct bytes){body.p + 20, len},
                        file32(c, body.p + 16), out);
    }
    if (type == NG_SIMPLE && body.len >= 4) {
        size_t wire = file32(c, body.p), len = wire < body.len - 4 ? wire : body.len - 4;

        return frame_of(c, 0, 0, (struct bytes){body.p + 4, len}, wire, out);
    }
    return false;
}

/* The order of bytes is each section's own; its length can be read only after it is known. */
static bool ng_section(struct capture *c)
{
    struct capture big = {.swapped = true};

    if (c->len - c->at < 12)
        return false;
    c->swapped = file32(&big, c->p + c->at + 8) == NG_ORDER;
    c->links = 0;
    return file32(c, c->p + c->at + 8) == NG_ORDER;
}

static bool ng_next(struct capture *c, struct capture_frame *out)
{
    while (c->len - c->at >= 12) {
        const uint8_t *p = c->p + c->at;
        bool section = (big16(p) << 16 | big16(p + 2)) == NG_SECTION;

        if (section && !ng_section(c))
            return file_ends(c, "a section of the file has no mark of its byte order");
        uint32_t type = file32(c, p);
        size_t len = file32(c, p + 4);

        if (len > c->len - c->at)
            return file_ends(c, "the file ends in the middle of a block");
        if (len < 12 || len % 4)
            return file_ends(c, "a block of the file has an impossible length");
        c->at += len;
        struct bytes body = {p + 8, len - 12};

        if (type == NG_INTERFACE && !section)
            ng_interface(c, body);
        else if (!section && ng_packet(c, type, body, out))
            return true;
    }
    return c->at == c->len ? false
                           : file_ends(c, "the file ends in the middle of a block's header");
}

bool capture_next_frame(struct capture *c, struct capture_frame *out)
{
    return c->is_ng ? ng_next(c, out) : pcap_next(c, out);
}
