/* What a running campaign may and may not become. */
#include "campaign/change.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "call/result.h"
#include "campaign/lists.h"

#define RESTART "; this needs a new start (peal stop, peal resume, peal run)"

__attribute__((format(printf, 2, 3))) static enum err refuse(char *why, const char *fmt, ...)
{
    va_list args;
    size_t len;

    va_start(args, fmt);
    vsnprintf(why, CAMPAIGN_ERROR_MAX - sizeof(RESTART), fmt, args);
    va_end(args);
    len = strlen(why);
    snprintf(why + len, CAMPAIGN_ERROR_MAX - len, "%s", RESTART);
    return ERR_REFUSED;
}

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static enum err trunks_stay(const struct campaign *now, const struct campaign *next, char *why)
{
    if (now->trunk_count != next->trunk_count)
        return refuse(why, "there are %u trunks, not %u", now->trunk_count, next->trunk_count);
    for (uint32_t i = 0; i < now->trunk_count; i++) {
        const struct campaign_trunk *a = &now->trunks[i], *b = &next->trunks[i];

        if (!same(a->name, b->name))
            return refuse(why, "the trunk in place of '%s' is called '%s'", a->name, b->name);
        if (!addr_eq(&a->address, &b->address) || a->tcp != b->tcp || a->tls != b->tls ||
            !same(a->tls_name, b->tls_name))
            return refuse(why, "the trunk '%s' has another address", a->name);
        if (a->place != b->place || a->port_min != b->port_min || a->port_max != b->port_max)
            return refuse(why,
                          "the trunk '%s' is called through another address or has other ports",
                          a->name);
        if (a->nat != b->nat || a->keep_alive_ms != b->keep_alive_ms)
            return refuse(why, "the trunk '%s' has another nat or keep_alive", a->name);
        if (memcmp(&a->codecs, &b->codecs, sizeof(a->codecs)) != 0)
            return refuse(why, "the trunk '%s' has other codecs", a->name);
        if (a->srtp != b->srtp)
            return refuse(why, "the trunk '%s' has another srtp", a->name);
        if (a->registers != b->registers || !same(a->user, b->user) ||
            !same(a->password, b->password))
            return refuse(why, "the trunk '%s' has another login", a->name);
    }
    return OK;
}

static enum err agents_stay(const struct campaign *now, const struct campaign *next, char *why)
{
    if (now->agent_count != next->agent_count)
        return refuse(why, "there are %u agents, not %u", now->agent_count, next->agent_count);
    for (uint32_t i = 0; i < now->agent_count; i++) {
        const struct campaign_agent *a = &now->agents[i], *b = &next->agents[i];

        if (!same(a->name, b->name) || !same(a->uri, b->uri) || a->wrap_up_ms != b->wrap_up_ms ||
            a->place != b->place || a->nat != b->nat || a->keep_alive_ms != b->keep_alive_ms)
            return refuse(why, "the agent '%s' is another, or has another wrap-up time", a->name);
        if (memcmp(&a->codecs, &b->codecs, sizeof(a->codecs)) != 0)
            return refuse(why, "the agent '%s' has other codecs", a->name);
        if (a->groups != b->groups)
            return refuse(why, "the agent '%s' is in other groups", a->name);
    }
    return memcmp(&now->groups, &next->groups, sizeof(now->groups)) == 0
               ? OK
               : refuse(why, "agents: the groups are others, or in another order");
}

/* Calls are counted by the group that their people go to. */
static enum err lanes_stay(const struct campaign *now, const struct campaign *next, char *why)
{
    uint8_t a[CAMPAIGN_LANES_MAX], b[CAMPAIGN_LANES_MAX];
    uint32_t n = campaign_lanes(now, a), have = 0;

    for (uint32_t i = 0; i < n; i++)
        have |= 1u << a[i];
    n = campaign_lanes(next, b);
    for (uint32_t i = 0; i < n; i++)
        if (!agent_is_in(have, b[i]))
            return refuse(why, "no list's people went to %s%s before",
                          b[i] ? "agents of group " : "any agent",
                          agent_group_name(&next->groups, b[i]));
    return OK;
}

static enum err treatments_stay(const struct campaign *now, const struct campaign *next, char *why)
{
    for (int i = 0; i < RESULT_COUNT; i++) {
        const struct campaign_treatment *a = &now->on[i], *b = &next->on[i];

        if (a->kind != b->kind || a->after_beep != b->after_beep || a->group != b->group ||
            !same(a->file, b->file))
            return refuse(why, "on: %s gets something else", result_name((enum result)i));
    }
    if (!same(now->abandonment.message, next->abandonment.message) ||
        now->abandonment.limit_ms != next->abandonment.limit_ms ||
        now->abandonment.cap_percent < next->abandonment.cap_percent ||
        now->abandonment.cap_percent > next->abandonment.cap_percent)
        return refuse(why, "abandonment: limit, cap or message is another");
    if (memcmp(&now->analysis, &next->analysis, sizeof(now->analysis)) != 0)
        return refuse(why, "analysis: its times, mode or costs are others");
    return OK;
}

/* Addresses, marks, ports. */
static bool network_stays(const struct campaign *now, const struct campaign *next)
{
    bool stays =
        addr_eq(&now->sip.address, &next->sip.address) && now->sip.dscp == next->sip.dscp &&
        addr_eq(&now->sip.advertised, &next->sip.advertised) &&
        addr_eq(&now->media.address, &next->media.address) &&
        addr_eq(&now->media.advertised, &next->media.advertised) &&
        now->media.keep_alive_ms == next->media.keep_alive_ms &&
        now->media.dscp == next->media.dscp && now->media.port_min == next->media.port_min &&
        now->media.port_max == next->media.port_max && now->address_count == next->address_count;

    for (uint32_t i = 0; i < now->address_count && stays; i++) {
        const struct campaign_address *a = &now->addresses[i], *b = &next->addresses[i];

        stays = same(a->name, b->name) && addr_eq(&a->sip, &b->sip) &&
                addr_eq(&a->sip_advertised, &b->sip_advertised) && addr_eq(&a->media, &b->media) &&
                addr_eq(&a->media_advertised, &b->media_advertised) && a->tls_port == b->tls_port &&
                a->port_min == b->port_min && a->port_max == b->port_max;
    }
    return stays;
}

static enum err place_stays(const struct campaign *now, const struct campaign *next, char *why)
{
    if (!same(now->name, next->name))
        return refuse(why, "the campaign is called '%s', not '%s'", now->name, next->name);
    if (now->country != next->country)
        return refuse(why, "country: the campaign's is %s", now->country->iso);
    if (!same(zone_name(now->zone), zone_name(next->zone)))
        return refuse(why, "zone: the campaign's is %s", zone_name(now->zone));
    if (!network_stays(now, next) || now->sip.tcp != next->sip.tcp ||
        memcmp(&now->sip.codecs, &next->sip.codecs, sizeof(now->sip.codecs)) != 0 ||
        now->sip.srtp != next->sip.srtp || now->tls.port != next->tls.port ||
        !same(now->tls.authorities, next->tls.authorities) || !same(now->tls.crl, next->tls.crl) ||
        now->sip.mki_bytes != next->sip.mki_bytes || now->sip.rekey_ms != next->sip.rekey_ms ||
        now->sip.libsrtp2 != next->sip.libsrtp2 ||
        now->sip.srtp_lifetime != next->sip.srtp_lifetime ||
        now->sip.refuses_clear_keys != next->sip.refuses_clear_keys ||
        !same(now->tls.certificate, next->tls.certificate) || !same(now->tls.key, next->tls.key) ||
        now->tls.client_certificates != next->tls.client_certificates ||
        now->tls.stapling != next->tls.stapling || now->media.workers != next->media.workers ||
        now->media.shared != next->media.shared)
        return refuse(why, "sip or media: addresses or ports are others");
    if (now->max_calls != next->max_calls)
        return refuse(why, "max_calls: the engine was started with %u", now->max_calls);
    if (!same(now->tone_plan, next->tone_plan) || !same(now->prints, next->prints))
        return refuse(why, "tone_plan or prints is another");
    if (!same(now->flows.language, next->flows.language) ||
        !same(now->flows.http, next->flows.http) || !same(now->flows.speech, next->flows.speech) ||
        now->flows.speech_processes != next->flows.speech_processes)
        return refuse(why, "flows: they are set up for others");
    if (now->recording.mode != next->recording.mode ||
        !same(now->recording.dir, next->recording.dir) ||
        memcmp(&now->recording.how, &next->recording.how, sizeof(now->recording.how)) != 0)
        return refuse(why, "recording: something is another");
    if (now->hold.key != next->hold.key || !same(now->hold.music, next->hold.music) ||
        !same(now->hold.ringback, next->hold.ringback) ||
        !same(now->supervision.pin, next->supervision.pin))
        return refuse(why, "hold or supervision is another");
    if (!same(now->records.stream, next->records.stream))
        return refuse(why, "records: the stream is another");
    if (next->pacing.mode != PACING_AGENTLESS && next->agent_count == 0)
        return refuse(why, "pacing: mode %s needs agents from the start",
                      pacing_mode_name(next->pacing.mode));
    return OK;
}

enum err campaign_may_become(const struct campaign *now, const struct campaign *next, char *why)
{
    enum err e = place_stays(now, next, why);

    if (e == OK)
        e = trunks_stay(now, next, why);
    if (e == OK)
        e = agents_stay(now, next, why);
    if (e == OK)
        e = lanes_stay(now, next, why);
    return e == OK ? treatments_stay(now, next, why) : e;
}

/* ---- what has changed ---- */

__attribute__((format(printf, 3, 4))) static void add(char *text, size_t cap, const char *fmt, ...)
{
    size_t len = strlen(text);
    va_list args;

    if (len && len + 2 < cap)
        len += (size_t)snprintf(text + len, cap - len, "; ");
    va_start(args, fmt);
    vsnprintf(text + len, cap - len, fmt, args);
    va_end(args);
}

static bool lists_differ(const struct campaign *now, const struct campaign *next)
{
    bool differ = now->list_count != next->list_count;

    for (uint32_t i = 0; i < next->list_count && !differ; i++) {
        const struct campaign_list *a = &now->lists[i], *b = &next->lists[i];

        differ = !same(a->name, b->name) || a->share != b->share || a->order != b->order ||
                 a->group != b->group;
    }
    return differ;
}

static bool caller_ids_differ(const struct campaign_trunk *a, const struct campaign_trunk *b)
{
    if (a->caller_id_count != b->caller_id_count)
        return true;
    for (uint32_t i = 0; i < a->caller_id_count; i++)
        if (!same(a->caller_ids[i], b->caller_ids[i]))
            return true;
    return false;
}

static void trunks_change(const struct campaign *now, const struct campaign *next, char *text,
                          size_t cap)
{
    for (uint32_t i = 0; i < now->trunk_count && i < next->trunk_count; i++) {
        const struct campaign_trunk *a = &now->trunks[i], *b = &next->trunks[i];

        if (a->max_calls != b->max_calls ||
            memcmp(&a->calls_per_second, &b->calls_per_second, sizeof(double)) != 0)
            add(text, cap, "trunk %s: %u calls, %g a second", b->name, b->max_calls,
                b->calls_per_second);
        if (caller_ids_differ(a, b))
            add(text, cap, "trunk %s: other caller ids", b->name);
    }
}

static void rules_change(const struct campaign *now, const struct campaign *next, char *text,
                         size_t cap)
{
    bool first = true;

    for (int i = 0; i < RESULT_COUNT; i++) {
        size_t len = strlen(text);

        if (memcmp(&now->rules[i], &next->rules[i], sizeof(now->rules[i])) == 0)
            continue;
        if (first)
            add(text, cap, "results: %s", result_name((enum result)i));
        else
            snprintf(text + len, cap - len, ", %s", result_name((enum result)i));
        first = false;
    }
}

void campaign_changes(const struct campaign *now, const struct campaign *next, char *text,
                      size_t cap)
{
    const struct campaign_pacing *p = &next->pacing;

    text[0] = '\0';
    if (now->pacing.mode != p->mode)
        add(text, cap, "pacing is %s now", pacing_mode_name(p->mode));
    else if (memcmp(&now->pacing, p, sizeof(*p)) != 0)
        add(text, cap, "pacing is %s, with other figures", pacing_mode_name(p->mode));
    if (memcmp(&now->windows, &next->windows, sizeof(now->windows)) != 0)
        add(text, cap, "other windows");
    if (now->attempts != next->attempts)
        add(text, cap, "%u attempts", next->attempts);
    if (now->ring_timeout_ms != next->ring_timeout_ms)
        add(text, cap, "ring_timeout %u s", next->ring_timeout_ms / 1000);
    if (now->media.late_limit_ms != next->media.late_limit_ms)
        add(text, cap, "late_limit %u ms", next->media.late_limit_ms);
    if (now->starts_wall_ms != next->starts_wall_ms || now->ends_wall_ms != next->ends_wall_ms)
        add(text, cap, "other dates");
    if (lists_differ(now, next))
        add(text, cap, "other lists");
    trunks_change(now, next, text, cap);
    rules_change(now, next, text, cap);
}

bool campaign_hours_change(const struct campaign *now, const struct campaign *next)
{
    bool change = memcmp(&now->windows, &next->windows, sizeof(now->windows)) != 0 ||
                  now->holidays || next->holidays || now->calling || next->calling ||
                  now->exceptions || next->exceptions ||
                  now->zone_candidate_count != next->zone_candidate_count;

    for (uint32_t i = 0; !change && i < now->zone_candidate_count; i++)
        change = !same(zone_name(now->zone_candidates[i]), zone_name(next->zone_candidates[i]));
    return change;
}
