/* Where a campaign's engine stands in the network: its addresses for SIP and media, what it tells
 * the far sides, marks, ports, TLS, and through which address each trunk and agent is called. */
#include <stdio.h>

#include "call/call.h"
#include "campaign/reading.h"
#include "io/mark.h"
#include "io/tls.h"
#include "sip/sdes.h"
#include "sip/uri.h"

static void read_address(struct reading *r, const char *key, const char *text, struct addr *out)
{
    if (text && !r->failed && addr_parse(slice_trim(slice_cstr(text)), 0, out))
        reading_fail(r, text,
                     "%s: '%.60s' is not accepted; accepted: an IP address, with or without "
                     "a port, such as 127.0.0.1:5060 or [::1]:5060",
                     key, text);
}

/* What is told instead of an address of ours: of the same family, and never "any". */
static void read_told(struct reading *r, const char *key, const char *text,
                      const struct addr *instead_of, struct addr *out)
{
    read_address(r, key, text, out);
    if (!text || r->failed)
        return;
    if (addr_is_any(out) || out->sa.sa_family != instead_of->sa.sa_family)
        reading_fail(r, text,
                     "%s: '%.60s' is not accepted; accepted: one address that far sides reach, of "
                     "the same family (IPv4 or IPv6) as the address it is told for",
                     key, text);
}

void reading_ports(struct reading *r, const char *key, const char *text, uint16_t *min,
                   uint16_t *max)
{
    struct slice from, to;
    uint64_t low = 0, high = 0;

    if (!text || r->failed)
        return;
    if (!slice_cut(slice_cstr(text), '-', &from, &to) || slice_u64(slice_trim(from), 65535, &low) ||
        slice_u64(slice_trim(to), 65535, &high) || low < 1024 || high < low + 3)
        reading_fail(r, text,
                     "%s '%.60s' is not accepted; accepted: a range such as 20000-29999, "
                     "from 1024 on, two ports a call",
                     key, text);
    *min = (uint16_t)low;
    *max = (uint16_t)high;
}

static void read_mark(struct reading *r, const char *key, const char *text, uint8_t *dscp)
{
    if (text && !r->failed && mark_parse(slice_trim(slice_cstr(text)), dscp) != OK)
        reading_fail(r, text,
                     "%s: '%.40s' is not accepted; accepted: ef, cs0…cs7, af11…af43, voice-admit, "
                     "default, or a number from 0 to 63",
                     key, text);
}

/* Media stands where SIP does, unless it is said where. What stands on every address must be told
 * by one. */
static void place_media(struct reading *r, const char *at, const struct addr *sip,
                        const struct addr *sip_told, struct addr *media, struct addr *media_told)
{
    if (!addr_is_set(media)) {
        *media = *sip;
        addr_set_port(media, 0);
    }
    if (!addr_is_any(media) || addr_is_set(media_told) || r->failed)
        return;
    if (addr_is_set(sip_told) && sip_told->sa.sa_family == media->sa.sa_family)
        *media_told = *sip_told;
    else
        reading_fail(r, at,
                     "media: on every address needs the one that far sides send to: set "
                     "'advertise', or one address");
}

static void read_own(struct reading *r)
{
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;

    read_address(r, "sip: address", raw->sip.address, &c->sip.address);
    read_told(r, "sip: advertise", raw->sip.advertise, &c->sip.address, &c->sip.advertised);
    if (!r->failed && addr_is_any(&c->sip.address) && !addr_is_set(&c->sip.advertised))
        reading_fail(r, raw->sip.address,
                     "sip: address: on every address needs the one that far sides call: set "
                     "'advertise', or one address");
    read_address(r, "media: address", raw->media.address, &c->media.address);
    if (!raw->media.address)
        c->media.address = (struct addr){0};
    if (raw->media.address || !raw->sip.address)
        read_told(r, "media: advertise", raw->media.advertise, &c->media.address,
                  &c->media.advertised);
    else
        read_told(r, "media: advertise", raw->media.advertise, &c->sip.address,
                  &c->media.advertised);
    place_media(r, raw->media.address ? raw->media.address : raw->sip.address, &c->sip.address,
                &c->sip.advertised, &c->media.address, &c->media.advertised);
    read_mark(r, "sip: dscp", raw->sip.dscp, &c->sip.dscp);
    read_mark(r, "media: dscp", raw->media.dscp, &c->media.dscp);
    reading_ports(r, "media: ports", raw->media.ports, &c->media.port_min, &c->media.port_max);
}

static void read_further(struct reading *r, const struct raw_address *raw,
                         struct campaign_address *a, uint32_t number)
{
    const char *at = raw->name ? raw->name : raw->sip;

    snprintf(a->name, sizeof(a->name), "address-%u", number);
    reading_name(r, "addresses: name", raw->name, a->name, sizeof(a->name));
    if (!raw->sip)
        reading_fail(r, at,
                     "addresses: '%s' has no 'sip'; accepted: an IP address and port such "
                     "as [::1]:5060",
                     a->name);
    read_address(r, "addresses: sip", raw->sip, &a->sip);
    read_told(r, "addresses: advertise", raw->advertise, &a->sip, &a->sip_advertised);
    if (!r->failed && addr_is_any(&a->sip) && !addr_is_set(&a->sip_advertised))
        reading_fail(r, at, "addresses: '%s' stands on every address and needs 'advertise'",
                     a->name);
    read_address(r, "addresses: media", raw->media, &a->media);
    if (!r->failed)
        place_media(r, at, &a->sip, &a->sip_advertised, &a->media, &a->media_advertised);
    read_told(r, "addresses: media_advertise", raw->media_advertise, &a->media,
              &a->media_advertised);
    reading_u32(r, "addresses: tls_port", raw->tls_port, 1, 65535, &a->tls_port);
    reading_ports(r, "addresses: media_ports", raw->media_ports, &a->port_min, &a->port_max);
}

void reading_addresses(struct reading *r)
{
    struct campaign *c = r->campaign;

    read_own(r);
    for (uint32_t i = 0; i < r->raw->addresses_count && !r->failed; i++) {
        const struct raw_address *raw = &r->raw->addresses[i];

        c->address_count = i + 1;
        read_further(r, raw, &c->addresses[i], i + 1);
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(c->addresses[k].name, c->addresses[i].name) == 0)
                reading_fail(r, raw->name, "addresses: there are two named '%s'",
                             c->addresses[i].name);
    }
}

static const struct addr *place_sip(const struct campaign *c, uint32_t place)
{
    return place ? &c->addresses[place - 1].sip : &c->sip.address;
}

/* The place called `through`, or the first of the family of `to`. */
uint8_t reading_place(struct reading *r, const char *of, const char *through, const char *at,
                      const struct addr *to)
{
    const struct campaign *c = r->campaign;

    for (uint32_t i = 0; i <= c->address_count && !r->failed; i++) {
        bool named = through && i && strcmp(c->addresses[i - 1].name, through) == 0;
        bool fits = !addr_is_set(to) || place_sip(c, i)->sa.sa_family == to->sa.sa_family;

        if (named && !fits)
            reading_fail(r, through,
                         "%s: through '%.40s' cannot be: one of the two is IPv4, the other IPv6",
                         of, through);
        if (named || (!through && fits))
            return (uint8_t)i;
    }
    if (!r->failed && through)
        reading_fail(r, through, "%s: through '%.40s' is none of 'addresses'", of, through);
    if (!r->failed)
        reading_fail(r, at,
                     "%s: '%.60s' is %s, and neither 'sip: address' nor 'addresses' has one such; "
                     "add it, as 'addresses: [{sip: \"%s\"}]'",
                     of, at, to->sa.sa_family == AF_INET6 ? "IPv6" : "IPv4",
                     to->sa.sa_family == AF_INET6 ? "[::1]:5060" : "127.0.0.1:5060");
    return 0;
}

uint8_t reading_nat(struct reading *r, const char *key, const char *text)
{
    static const struct reading_word words[] = {
        {"auto", CALL_NAT_AUTO}, {"yes", CALL_NAT_YES}, {"no", CALL_NAT_NO}};

    return (uint8_t)reading_word(r, key, text, words, 3, CALL_NAT_AUTO);
}

struct addr reading_uri_address(const char *text)
{
    struct sip_uri uri;
    struct addr a = {0};

    if (sip_uri_parse(slice_cstr(text), &uri) != OK ||
        addr_from_host(uri.host, uri.port ? uri.port : 5060, &a) != OK)
        return (struct addr){0};
    return a;
}

static void read_tls(struct reading *r)
{
    static const struct reading_word stapling[] = {{"off", TLS_STAPLING_OFF},
                                                   {"if-given", TLS_STAPLING_IF_GIVEN},
                                                   {"required", TLS_STAPLING_REQUIRED}};
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;

    c->tls.stapling =
        (uint8_t)reading_word(r, "tls: stapling", raw->tls.stapling, stapling, 3, TLS_STAPLING_OFF);
    reading_path(r, "tls: authorities", raw->tls.authorities, c->tls.authorities,
                 sizeof(c->tls.authorities));
    reading_path(r, "tls: certificate", raw->tls.certificate, c->tls.certificate,
                 sizeof(c->tls.certificate));
    reading_path(r, "tls: crl", raw->tls.crl, c->tls.crl, sizeof(c->tls.crl));
    reading_path(r, "tls: key", raw->tls.key, c->tls.key, sizeof(c->tls.key));
    reading_u32(r, "tls: port", raw->tls.port, 1, 65535, &c->tls.port);
    reading_bool(r, "tls: client_certificates", raw->tls.client_certificates,
                 &c->tls.client_certificates);
    if (!raw->tls.certificate != !raw->tls.key)
        reading_fail(r, raw->tls.certificate ? raw->tls.certificate : raw->tls.key,
                     "tls: certificate and key go together");
}

/* Keys of SRTP are as secret as the way their SDP goes (RFC 4568 section 7). */
static void judge_clear_keys(struct reading *r)
{
    static const struct reading_word words[] = {{"warned", 0}, {"refused", 1}};
    struct campaign *c = r->campaign;
    const char *at = r->raw->sip.clear_keys;

    c->sip.refuses_clear_keys = reading_word(r, "sip: clear_keys", at, words, 2, 0) == 1;
    for (uint32_t i = 0; i < c->trunk_count && c->sip.refuses_clear_keys; i++)
        if ((c->trunks[i].srtp || c->sip.srtp) && !c->trunks[i].tls)
            reading_fail(r, at,
                         "sip: clear_keys: the keys of trunk '%s' would go in clear, which "
                         "'refused' forbids; it needs 'transport: tls'",
                         c->trunks[i].name);
    for (uint32_t i = 0; i < c->agent_count && c->sip.refuses_clear_keys && c->sip.srtp; i++)
        if (!strstr(c->agents[i].uri, ";transport=tls"))
            reading_fail(r, at,
                         "sip: clear_keys: the keys of agent '%s' would go in clear, which "
                         "'refused' forbids; the uri needs ';transport=tls'",
                         c->agents[i].name);
}

static void read_srtp(struct reading *r)
{
    static const struct reading_word words[] = {{"own", 0}, {"libsrtp2", 1}};
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;

    c->sip.srtp = reading_srtp(r, "sip: srtp", raw->sip.srtp);
    reading_u32(r, "sip: srtp_mki", raw->sip.srtp_mki, 0, CALL_MKI_MAX, &c->sip.mki_bytes);
    reading_duration(r, "sip: srtp_rekey", raw->sip.srtp_rekey, 0, CALL_REKEY_MS_MAX,
                     &c->sip.rekey_ms);
    if (c->sip.rekey_ms && c->sip.rekey_ms < CALL_REKEY_MS_MIN)
        reading_fail(r, raw->sip.srtp_rekey,
                     "sip: srtp_rekey: accepted: 0s (never), or 1s or more");
    const char *lifetime = raw->sip.srtp_lifetime;

    if (lifetime && !sdes_lifetime_ours(slice_cstr(lifetime), &c->sip.srtp_lifetime))
        reading_fail(r, lifetime,
                     "sip: srtp_lifetime: '%s' is not accepted; accepted: " SDES_LIFETIME_OURS,
                     lifetime);
    c->sip.libsrtp2 =
        reading_word(r, "sip: srtp_transform", raw->sip.srtp_transform, words, 2, 0) == 1;
}

/* What shares a socket stays on one worker, and far ends must see its packets come from where our
 * SDP says. */
static void read_shared(struct reading *r)
{
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;

    reading_bool(r, "media: shared", raw->media.shared, &c->media.shared);
    if (!c->media.shared || r->failed)
        return;
    if (c->media.workers > 1)
        reading_fail(
            r, raw->media.shared,
            "media: shared: legs that share a socket stay on one worker; accepted with it: "
            "workers: 1");
    else if (addr_is_set(&c->media.advertised))
        reading_fail(r, raw->media.shared,
                     "media: shared: far ends must see the address that packets come from; it does "
                     "not go together with advertise");
}

void reading_network(struct reading *r)
{
    const struct raw_campaign *raw = r->raw;
    struct campaign *c = r->campaign;

    reading_bool(r, "sip: tcp", raw->sip.tcp, &c->sip.tcp);
    read_tls(r);
    read_srtp(r);
    reading_codecs(r, "sip: codecs", raw->sip.codecs, raw->sip.codecs_count, &c->sip.codecs);
    judge_clear_keys(r);
    reading_u32(r, "media: workers", raw->media.workers, 0, 256, &c->media.workers);
    read_shared(r);
    reading_duration(r, "media: keep_alive", raw->media.keep_alive, 0, 3600000,
                     &c->media.keep_alive_ms);
    reading_duration(r, "media: late_limit", raw->media.late_limit, 0, 1000,
                     &c->media.late_limit_ms);
    reading_u32(r, "max_calls", raw->max_calls, 1, 100000, &c->max_calls);
}
