/* Where a service stands in the network: sip:, media: and tls: of NUMBERS.yaml. */
#include <stdio.h>

#include "call/call.h"
#include "io/mark.h"
#include "io/tls.h"
#include "serve/numbers_inner.h"
#include "sip/sdes.h"

#define FIELDS_OF(table) (table), sizeof(table) / sizeof((table)[0])
#define AT(member)       offsetof(struct numbers, member)
#define ALIVE_MS_MAX     3600000

static void read_host(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      void *place)
{
    numbers_addr(r, where, n, 0, place);
}

static void read_ports(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                       void *place)
{
    const char *text = numbers_text(r, where, n);
    struct slice first, last;
    uint64_t a, b;

    (void)place;
    if (!text)
        return;
    slice_cut(slice_cstr(text), '-', &first, &last);
    if (slice_u64(first, 65535, &a) != OK || slice_u64(last, 65535, &b) != OK || a < 1024 || b <= a)
        numbers_fail(r, n, "%s: '%.40s' is not accepted; accepted: two ports, as in 20000-29999",
                     where, text);
    else {
        r->out->media_port_min = (uint16_t)a;
        r->out->media_port_max = (uint16_t)b;
    }
}

static void read_workers(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                         void *place)
{
    numbers_u32(r, where, n, 1, 64, place);
}

static void read_late_limit(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                            void *place)
{
    numbers_duration(r, where, n, 1000, place);
}

static void read_alive(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                       void *place)
{
    numbers_duration(r, where, n, ALIVE_MS_MAX, place);
}

static void read_mark(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      void *place)
{
    const char *text = numbers_text(r, where, n);

    if (text && mark_parse(slice_cstr(text), place) != OK)
        numbers_fail(r, n,
                     "%s: '%.40s' is not accepted; accepted: ef, cs0…cs7, af11…af43, voice-admit, "
                     "default, or a number from 0 to 63",
                     where, text);
}

/* "[::1]:5060, 127.0.0.2:5060" */
static void read_also(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      void *place)
{
    const char *text = numbers_text(r, where, n);
    struct slice rest = slice_cstr(text), one;
    struct numbers *out = r->out;
    bool more = text != NULL;

    (void)place;
    while (more && !r->file.failed) {
        more = slice_cut(rest, ',', &one, &rest);
        if (out->also_count == NUMBERS_ALSO_MAX)
            numbers_fail(r, n, "%s: more than %d addresses", where, NUMBERS_ALSO_MAX);
        else if (addr_parse(slice_trim(one), 5060, &out->also[out->also_count++]) != OK)
            numbers_fail(r, n,
                         "%s: '%.80s' is not accepted; accepted: numeric addresses with commas "
                         "between, as in \"[::1]:5060, 127.0.0.2:5060\"",
                         where, text);
    }
}

#define THREE 3

/* Which of the words it is. */
static void read_one_of_three(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                              const char *const words[THREE], uint8_t *out)
{
    const char *text = numbers_text(r, where, n);

    for (uint8_t i = 0; text && i < THREE; i++)
        if (strcmp(text, words[i]) == 0) {
            *out = i;
            return;
        }
    if (text)
        numbers_fail(r, n, "%s: '%.40s' is not accepted; accepted: %s, %s, %s", where, text,
                     words[0], words[1], words[2]);
}

void numbers_read_srtp(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                       void *place)
{
    static const char *const words[THREE] = {[CALL_SRTP_OFF] = "off",
                                             [CALL_SRTP_OFFERED] = "offered",
                                             [CALL_SRTP_REQUIRED] = "required"};

    read_one_of_three(r, where, n, words, place);
}

static void read_clear_keys(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                            void *place)
{
    const char *text = numbers_text(r, where, n);
    bool *refused = place;

    if (!text)
        return;
    *refused = strcmp(text, "refused") == 0;
    if (!*refused && strcmp(text, "warned") != 0)
        numbers_fail(r, n, "%s: '%.40s' is not accepted; accepted: warned, refused", where, text);
}

static void read_mki(struct numbers_reader *r, const char *where, const yaml_node_t *n, void *place)
{
    numbers_u32(r, where, n, 0, CALL_MKI_MAX, place);
}

static void read_rekey(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                       void *place)
{
    uint32_t *ms = place;

    numbers_duration(r, where, n, CALL_REKEY_MS_MAX, ms);
    if (*ms && *ms < CALL_REKEY_MS_MIN)
        numbers_fail(r, n, "%s: accepted: 0s (never), or 1s or more", where);
}

static void read_lifetime(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                          void *place)
{
    const char *text = numbers_text(r, where, n);

    if (text && !sdes_lifetime_ours(slice_cstr(text), place))
        numbers_fail(r, n, "%s: '%.40s' is not accepted; accepted: " SDES_LIFETIME_OURS, where,
                     text);
}

static const struct numbers_field sip_fields[] = {
    {.name = "address", .read = numbers_read_addr, .at = AT(sip)},
    {.name = "advertise", .read = read_host, .at = AT(sip_advertised)},
    {.name = "also", .read = read_also},
    {.name = "tcp", .read = numbers_read_yes, .at = AT(tcp)},
    {.name = "dscp", .read = read_mark, .at = AT(sip_dscp)},
    {.name = "srtp", .read = numbers_read_srtp, .at = AT(srtp)},
    {.name = "clear_keys", .read = read_clear_keys, .at = AT(refuses_clear_keys)},
    {.name = "srtp_mki", .read = read_mki, .at = AT(srtp_mki)},
    {.name = "srtp_rekey", .read = read_rekey, .at = AT(rekey_ms)},
    {.name = "srtp_lifetime", .read = read_lifetime, .at = AT(srtp_lifetime)},
};

static const struct numbers_field media_fields[] = {
    {.name = "address", .read = read_host, .at = AT(media)},
    {.name = "advertise", .read = read_host, .at = AT(media_advertised)},
    {.name = "ports", .read = read_ports},
    {.name = "workers", .read = read_workers, .at = AT(media_workers)},
    {.name = "late_limit", .read = read_late_limit, .at = AT(late_limit_ms)},
    {.name = "dscp", .read = read_mark, .at = AT(media_dscp)},
    {.name = "keep_alive", .read = read_alive, .at = AT(media_alive_ms)},
    {.name = "shared", .read = numbers_read_yes, .at = AT(media_shared)},
};

static void read_file(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      void *place)
{
    numbers_path(r, where, n, place, NUMBERS_PATH_MAX);
}

static void read_port(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      void *place)
{
    numbers_u32(r, where, n, 1, 65535, place);
}

static void read_stapling(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                          void *place)
{
    static const char *const words[THREE] = {[TLS_STAPLING_OFF] = "off",
                                             [TLS_STAPLING_IF_GIVEN] = "if-given",
                                             [TLS_STAPLING_REQUIRED] = "required"};

    read_one_of_three(r, where, n, words, place);
}

static const struct numbers_field tls_fields[] = {
    {.name = "authorities", .read = read_file, .at = AT(tls.authorities)},
    {.name = "crl", .read = read_file, .at = AT(tls.crl)},
    {.name = "stapling", .read = read_stapling, .at = AT(tls.stapling)},
    {.name = "certificate", .read = read_file, .at = AT(tls.certificate)},
    {.name = "key", .read = read_file, .at = AT(tls.key)},
    {.name = "port", .read = read_port, .at = AT(tls.port)},
    {.name = "client_certificates", .read = numbers_read_yes, .at = AT(tls.client_certificates)},
};

/* Media stands where SIP does, unless it is said where. */
void numbers_read_sip(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      void *place)
{
    numbers_mapping(r, where, n, FIELDS_OF(sip_fields), place);
    if (!r->file.failed && addr_is_any(&r->out->sip) && !addr_is_set(&r->out->sip_advertised))
        numbers_fail(r, n, "%s: on every address it needs advertise:, the one that far sides call",
                     where);
}

void numbers_read_media(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                        void *place)
{
    numbers_mapping(r, where, n, FIELDS_OF(media_fields), place);
    if (!r->file.failed && r->out->media_shared && r->out->media_workers > 1)
        numbers_fail(r, n,
                     "%s: shared: legs that share a socket stay on one worker; accepted with it: "
                     "workers: 1",
                     where);
}

void numbers_read_tls(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      void *place)
{
    numbers_mapping(r, where, n, FIELDS_OF(tls_fields), place);
    if (!r->file.failed && !r->out->tls.certificate[0] != !r->out->tls.key[0])
        numbers_fail(r, n, "%s: certificate and key go together", where);
    r->out->has_tls = true;
}

void numbers_check_network(struct numbers_reader *r, const yaml_node_t *root)
{
    struct numbers *n = r->out;

    if (r->file.failed)
        return;
    if (!addr_is_set(&n->media)) {
        n->media = n->sip;
        addr_set_port(&n->media, 0);
    }
    if (addr_is_any(&n->media) && !addr_is_set(&n->media_advertised))
        n->media_advertised = n->sip_advertised;
    if (addr_is_any(&n->media) && !addr_is_set(&n->media_advertised))
        numbers_fail(r, root, "media: on every address it needs advertise:");
    if (n->media_shared && addr_is_set(&n->media_advertised))
        numbers_fail(r, root,
                     "media: shared: far ends must see the address that packets come from; it does "
                     "not go together with advertise");
    if (n->trunk.tls && !n->has_tls)
        numbers_fail(r, root, "trunk: tls: needs the file's tls: (who vouches for it)");
}

bool numbers_network_same(const struct numbers *a, const struct numbers *b)
{
    bool same = addr_eq(&a->sip, &b->sip) && addr_eq(&a->sip_advertised, &b->sip_advertised) &&
                a->tcp == b->tcp && a->sip_dscp == b->sip_dscp && a->srtp == b->srtp &&
                a->refuses_clear_keys == b->refuses_clear_keys && a->srtp_mki == b->srtp_mki &&
                a->rekey_ms == b->rekey_ms && a->srtp_lifetime == b->srtp_lifetime &&
                a->has_tls == b->has_tls && memcmp(&a->tls, &b->tls, sizeof a->tls) == 0 &&
                a->also_count == b->also_count;

    for (uint32_t i = 0; i < a->also_count && same; i++)
        same = addr_eq(&a->also[i], &b->also[i]);
    return same;
}

bool numbers_media_same(const struct numbers *a, const struct numbers *b)
{
    return addr_eq(&a->media, &b->media) && addr_eq(&a->media_advertised, &b->media_advertised) &&
           a->media_port_min == b->media_port_min && a->media_port_max == b->media_port_max &&
           a->media_workers == b->media_workers && a->media_dscp == b->media_dscp &&
           a->media_alive_ms == b->media_alive_ms && a->media_shared == b->media_shared;
}
