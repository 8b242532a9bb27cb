/* The larger parts of a campaign file: trunks, agents, what to do on an answer. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "call/call.h"
#include "campaign/reading.h"

#define SIP_PORT      5060
#define REDIRECTS_MAX 5 /* as many as sip/ follows */

/* --- trunks --- */

/* A pool of caller ids: numbers in E.164, or any SIP user part when it is no number. */
static const char *const *read_pool(struct reading *r, char *const *texts, uint32_t count)
{
    char number[NUMBER_E164_MAX];

    const char **pool = calloc(count, sizeof(*pool));
    if (!pool) {
        reading_fail(r, NULL, "no memory");
        return NULL;
    }
    for (uint32_t i = 0; i < count && !r->failed; i++) {
        const char *text = texts[i] ? texts[i] : "";
        if (number_normalise(slice_cstr(text), r->campaign->country, number, NULL) == OK) {
            pool[i] = reading_keep(r, number);
            continue;
        }
        bool word = text[0] && strlen(text) < 40;
        for (const char *p = text; *p && word; p++)
            word = isalnum((unsigned char)*p) || strchr("-_.+", *p);
        if (!word)
            reading_fail(r, texts[i],
                         "caller_ids: '%.60s' is not accepted; accepted: a number, or letters, "
                         "digits, '-', '_', '.' (39 at most)",
                         text);
        pool[i] = reading_keep(r, text);
    }
    return pool;
}

static void read_password_file(struct reading *r, const struct raw_trunk *raw,
                               struct campaign_trunk *t)
{
    char path[CAMPAIGN_PATH_MAX] = "", line[sizeof(t->password) + 2] = "";

    if (!raw->password_file || r->failed)
        return;
    if (raw->password) {
        reading_fail(r, raw->password_file, "password_file: the trunk has a password already");
        return;
    }
    reading_path(r, "password_file", raw->password_file, path, sizeof(path));
    FILE *f = r->failed ? NULL : fopen(path, "re");
    if (!f || !fgets(line, sizeof(line), f)) {
        reading_fail(
            r, raw->password_file,
            "password_file: cannot read a password from '%.200s': its first line must hold "
            "it",
            path);
    } else {
        line[strcspn(line, "\r\n")] = '\0';
        if (slice_copy(slice_cstr(line), t->password, sizeof(t->password)))
            reading_fail(r, raw->password_file, "password_file: the password is too long");
    }
    if (f)
        fclose(f);
}

uint8_t reading_srtp(struct reading *r, const char *key, const char *text)
{
    static const struct reading_word words[] = {
        {"off", CALL_SRTP_OFF}, {"offered", CALL_SRTP_OFFERED}, {"required", CALL_SRTP_REQUIRED}};

    return (uint8_t)reading_word(r, key, text, words, 3, CALL_SRTP_OFF);
}

static void read_trunk(struct reading *r, const struct raw_trunk *raw, struct campaign_trunk *t,
                       uint32_t number)
{
    static const struct reading_word transports[] = {{"udp", 0}, {"tcp", 1}, {"tls", 2}};
    const char *at = raw->name ? raw->name : raw->address;

    snprintf(t->name, sizeof(t->name), "trunk-%u", number);
    reading_name(r, "trunks: name", raw->name, t->name, sizeof(t->name));
    if (!raw->address)
        reading_fail(r, at,
                     "trunks: trunk '%s' has no address; accepted: an IP address and port "
                     "such as 127.0.0.1:5060 or [::1]:5060",
                     t->name);
    else if (addr_parse(slice_trim(slice_cstr(raw->address)), SIP_PORT, &t->address) ||
             addr_is_any(&t->address) || addr_port(&t->address) == 0)
        reading_fail(r, raw->address,
                     "trunks: address '%.60s' is not accepted; accepted: an IP address and port "
                     "such as 127.0.0.1:5060 or [::1]:5060",
                     raw->address);
    int transport = reading_word(r, "trunks: transport", raw->transport, transports, 3, 0);

    t->tcp = transport == 1;
    t->tls = transport == 2;
    reading_text(r, "trunks: tls_name", raw->tls_name, t->tls_name, sizeof(t->tls_name));
    if (raw->tls_name && !t->tls)
        reading_fail(r, raw->tls_name, "trunks: tls_name needs 'transport: tls'");
    t->place = reading_place(r, "trunks", raw->through, raw->address, &t->address);
    t->nat = reading_nat(r, "trunks: nat", raw->nat);
    t->keep_alive_ms = 25000;
    reading_duration(r, "trunks: keep_alive", raw->keep_alive, 0, 3600000, &t->keep_alive_ms);
    reading_ports(r, "trunks: media_ports", raw->media_ports, &t->port_min, &t->port_max);
    t->srtp = reading_srtp(r, "trunks: srtp", raw->srtp);
    reading_codecs(r, "trunks: codecs", raw->codecs, raw->codecs_count, &t->codecs);
    reading_bool(r, "trunks: register", raw->registers, &t->registers);
    reading_text(r, "trunks: user", raw->user, t->user, sizeof(t->user));
    reading_text(r, "trunks: password", raw->password, t->password, sizeof(t->password));
    read_password_file(r, raw, t);
    if (t->registers && !t->user[0])
        reading_fail(r, raw->registers, "trunks: register needs a user (and usually a password)");
    t->max_calls = 100;
    reading_u32(r, "trunks: max_calls", raw->max_calls, 1, 100000, &t->max_calls);
    reading_double(r, "trunks: calls_per_second", raw->calls_per_second, 0, 10000,
                   &t->calls_per_second);
    reading_u32(r, "trunks: redirects", raw->redirects, 0, REDIRECTS_MAX, &t->redirects);
    if (raw->caller_ids_count && !r->failed) {
        t->caller_ids = read_pool(r, raw->caller_ids, raw->caller_ids_count);
        t->caller_id_count = t->caller_ids ? raw->caller_ids_count : 0;
    } else {
        t->caller_ids = (const char *const *)r->campaign->caller_ids;
        t->caller_id_count = r->campaign->caller_id_count;
    }
}

void reading_trunks(struct reading *r)
{
    struct campaign *c = r->campaign;

    if (r->raw->caller_ids_count && !r->failed) {
        c->caller_ids = (char **)read_pool(r, r->raw->caller_ids, r->raw->caller_ids_count);
        c->caller_id_count = c->caller_ids ? r->raw->caller_ids_count : 0;
    }
    if (r->raw->trunks_count == 0)
        reading_fail(r, NULL,
                     "a campaign needs at least one trunk: 'trunks: [{name: carrier, "
                     "address: \"127.0.0.1:5060\"}]'");
    for (uint32_t i = 0; i < r->raw->trunks_count && !r->failed; i++) {
        const struct raw_trunk *raw = &r->raw->trunks[i];
        c->trunk_count = i + 1;
        read_trunk(r, raw, &c->trunks[i], i + 1);
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(c->trunks[k].name, c->trunks[i].name) == 0)
                reading_fail(r, raw->name, "trunks: there are two trunks named '%s'",
                             c->trunks[i].name);
        }
    }
}

/* --- agents --- */

/* "agent-%d" with its number; without "%d" the text itself. */
static bool expand(const char *pattern, uint32_t number, char *dst, size_t cap)
{
    const char *hole = strstr(pattern, "%d");
    int n;

    if (!hole)
        n = snprintf(dst, cap, "%s", pattern);
    else
        n = snprintf(dst, cap, "%.*s%u%s", (int)(hole - pattern), pattern, number, hole + 2);
    return n >= 0 && (size_t)n < cap;
}

uint8_t reading_group(struct reading *r, const char *key, const char *at, struct slice name)
{
    const struct agent_groups *g = &r->campaign->groups;
    uint8_t group = agent_groups_find(g, slice_trim(name));
    char all[CAMPAIGN_ERROR_MAX / 2];

    if (group || r->failed)
        return group;
    if (g->count)
        reading_fail(r, at, "%s: no agent is in group '%.*s'; the groups are: %s", key,
                     SLICE_ARG(name), agent_groups_text(g, UINT32_MAX, all, sizeof(all)));
    else
        reading_fail(r, at,
                     "%s: no agent is in group '%.*s'; agents have groups by 'groups: [%.*s]'", key,
                     SLICE_ARG(name), SLICE_ARG(name));
    return AGENT_GROUP_ANY;
}

static uint32_t read_groups(struct reading *r, const struct raw_agent *raw)
{
    uint32_t set = AGENT_IN_NO_GROUP;

    for (uint32_t i = 0; i < raw->groups_count && !r->failed; i++) {
        char name[AGENT_GROUP_NAME_MAX] = "";

        reading_name(r, "agents: groups", raw->groups[i], name, sizeof(name));
        uint8_t group = name[0] ? agent_groups_add(&r->campaign->groups, name) : 0;

        if (!r->failed && !group)
            reading_fail(r, raw->groups[i],
                         name[0] ? "agents: groups: more than %u groups"
                                 : "agents: groups: a name is empty",
                         AGENT_GROUPS_MAX);
        set |= 1u << group;
    }
    return set;
}

static void read_agents(struct reading *r, const struct raw_agent *raw)
{
    struct campaign *c = r->campaign;
    const char *at = raw->name ? raw->name : raw->uri, *name = raw->name ? raw->name : "agent-%d";
    uint32_t count = 1, first = 1, wrap_up_ms = 5000;
    struct sdp_codecs codecs = {0};

    reading_u32(r, "agents: count", raw->count, 1, CAMPAIGN_AGENTS_MAX, &count);
    reading_u32(r, "agents: first", raw->first, 0, 1000000, &first);
    reading_duration(r, "agents: wrap_up", raw->wrap_up, 0, 3600000, &wrap_up_ms);
    reading_codecs(r, "agents: codecs", raw->codecs, raw->codecs_count, &codecs);
    const uint32_t groups = read_groups(r, raw);
    if (!raw->uri)
        reading_fail(r, at ? at : raw->count,
                     "agents: a uri is needed, such as 'sip:agent-%%d@127.0.0.1:5070'");
    else if (strncmp(raw->uri, "sips:", 5) == 0)
        reading_fail(r, raw->uri,
                     "agents: uri '%.60s' is not accepted: write 'sip:…;transport=tls' for a leg "
                     "over TLS",
                     raw->uri);
    else if (strncmp(raw->uri, "sip:", 4) != 0 || strpbrk(raw->uri, " <>\"\t"))
        reading_fail(r, raw->uri,
                     "agents: uri '%.60s' is not accepted; accepted: sip:USER@HOST:PORT "
                     "(%%d becomes the agent's number)",
                     raw->uri);
    if (count > 1 && !r->failed && (!strstr(name, "%d") || !strstr(raw->uri, "%d")))
        reading_fail(r, raw->count,
                     "agents: with a count, name and uri need a %%d that becomes the number");
    if (!r->failed && c->agent_count + count > CAMPAIGN_AGENTS_MAX)
        reading_fail(r, at, "agents: more than %u agents", CAMPAIGN_AGENTS_MAX);
    if (r->failed)
        return;
    const struct addr to = reading_uri_address(raw->uri);
    const uint8_t place = reading_place(r, "agents", raw->through, raw->uri, &to);
    const uint8_t nat = reading_nat(r, "agents: nat", raw->nat);
    uint32_t keep_alive_ms = 25000;

    reading_duration(r, "agents: keep_alive", raw->keep_alive, 0, 3600000, &keep_alive_ms);

    if (r->failed)
        return;
    struct campaign_agent *more = realloc(c->agents, (c->agent_count + count) * sizeof(*c->agents));
    if (!more) {
        reading_fail(r, NULL, "no memory");
        return;
    }
    c->agents = more;
    for (uint32_t i = 0; i < count; i++) {
        struct campaign_agent *a = &more[c->agent_count++];
        *a = (struct campaign_agent){.wrap_up_ms = wrap_up_ms,
                                     .place = place,
                                     .codecs = codecs,
                                     .groups = groups,
                                     .nat = nat,
                                     .keep_alive_ms = keep_alive_ms};
        if (!expand(name, first + i, a->name, sizeof(a->name)))
            reading_fail(r, at, "agents: name is too long; accepted: 31 bytes at most");
        if (!expand(raw->uri, first + i, a->uri, sizeof(a->uri)))
            reading_fail(r, raw->uri, "agents: uri is too long; accepted: 127 bytes at most");
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void check_agent_names(struct reading *r)
{
    struct campaign *c = r->campaign;

    if (r->failed || c->agent_count < 2)
        return;
    const char **names = malloc(c->agent_count * sizeof(*names));
    for (uint32_t i = 0; names && i < c->agent_count; i++)
        names[i] = c->agents[i].name;
    if (names)
        qsort(names, c->agent_count, sizeof(*names), compare_names);
    for (uint32_t i = 1; names && i < c->agent_count; i++) {
        if (strcmp(names[i - 1], names[i]) == 0)
            reading_fail(r, r->raw->agents[0].uri, "agents: there are two agents named '%s'",
                         names[i]);
    }
    free(names);
}

void reading_agents(struct reading *r)
{
    for (uint32_t i = 0; i < r->raw->agents_count && !r->failed; i++)
        read_agents(r, &r->raw->agents[i]);
    check_agent_names(r);
}

/* --- on: --- */

static void read_treatment(struct reading *r, const char *key, const char *text,
                           struct campaign_treatment *t)
{
    struct slice s = slice_trim(slice_cstr(text)), verb, file, group;
    struct slice beep = SLICE(" after beep");
    char name[CAMPAIGN_PATH_MAX] = "";

    /* Checks the text as it stands, so that a complaint finds its line. */
    reading_text(r, key, text, name, sizeof(name));
    *t = (struct campaign_treatment){.kind = TREAT_HANGUP};
    if (slice_ieq(s, SLICE("hangup")))
        return;
    if (agent_group_wanted(s, &group)) {
        char where[64];

        snprintf(where, sizeof(where), "on: %s: agent", key);
        t->kind = TREAT_AGENT;
        if (group.len)
            t->group = reading_group(r, where, text, group);
        return;
    }
    bool has_file = slice_cut(s, ' ', &verb, &file);
    file = slice_trim(file);
    if (has_file && file.len && slice_ieq(verb, SLICE("message"))) {
        t->kind = TREAT_MESSAGE;
        if (file.len > beep.len && slice_ieq(slice_from(file, file.len - beep.len), beep)) {
            t->after_beep = true;
            file = slice_trim(slice_of(file.p, file.len - beep.len));
        }
    } else if (has_file && file.len && slice_ieq(verb, SLICE("flow"))) {
        t->kind = TREAT_FLOW;
    } else {
        reading_fail(
            r, text,
            "on: %s: '%.60s' is not accepted; accepted: agent, agent GROUP, hangup, message FILE, "
            "message FILE after beep, flow FILE",
            key, text);
        return;
    }
    if (slice_copy(file, name, sizeof(name)) || strlen(r->folder) + file.len + 2 > sizeof(t->file))
        reading_fail(r, text, "on: %s: the file name is too long", key);
    reading_path(r, "on", name, t->file, sizeof(t->file));
}

void reading_treatments(struct reading *r)
{
    struct campaign *c = r->campaign;
    enum treatment_kind live = c->agent_count ? TREAT_AGENT : TREAT_HANGUP;

    c->on[RESULT_HUMAN].kind = live;
    c->on[RESULT_HUMAN_SILENT].kind = live;
    c->on[RESULT_UNKNOWN].kind = live; /* better a machine at an agent than a person dropped */
    for (int i = 0; i < RESULT_COUNT && !r->failed; i++) {
        if (!r->raw->on[i]) { /* people who are silent, or hard to tell, are people */
            if (c->on[i].kind == TREAT_AGENT && c->on[RESULT_HUMAN].kind == TREAT_AGENT)
                c->on[i].group = c->on[RESULT_HUMAN].group;
            continue;
        }
        read_treatment(r, result_name((enum result)i), r->raw->on[i], &c->on[i]);
        if (c->on[i].kind == TREAT_MESSAGE)
            reading_sound(r, result_name((enum result)i), r->raw->on[i], c->on[i].file);
        if (c->on[i].kind == TREAT_AGENT && c->agent_count == 0)
            reading_fail(r, r->raw->on[i], "on: %s: agent: the campaign has no agents",
                         result_name((enum result)i));
    }
}
