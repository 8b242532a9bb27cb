/* Reading a suite. */
#include "sim/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define DURATION_MAX_S 604800
#define TEXT_MAX_BYTES ((size_t)16 << 20)

struct reader {
    struct document *d;
    struct suite *s;
    const struct suite_options *options;
    char folder[256]; /* of the suite, "" for the present one */
};

static const char *keep(struct reader *r, const char *text)
{
    return text ? arena_strdup(&r->s->arena, slice_cstr(text)) : NULL;
}

/* A path of the file, relative to it. */
static const char *keep_path(struct reader *r, const char *folder, const char *text,
                             const char *suffix)
{
    char path[600];

    if (!text)
        return NULL;
    bool dotted =
        strlen(text) > strlen(suffix) && strcmp(text + strlen(text) - strlen(suffix), suffix) == 0;
    snprintf(path, sizeof path, "%s%s%s%s", text[0] == '/' ? "" : folder,
             text[0] == '/' || !folder[0] ? "" : "/", text, dotted ? "" : suffix);
    return keep(r, path);
}

static bool is_name(const char *text)
{
    size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    return n > 0 && n < FLOW_NAME_MAX && text[n] == '\0';
}

/* ---- programs under test ---- */

/* What --address says of this name; NULL: nothing. */
static const char *overridden(struct reader *r, const char *name)
{
    struct slice rest = slice_cstr(r->options->addresses), item, key, value;

    while (rest.len) {
        slice_cut(rest, ',', &item, &rest);
        if (slice_cut(item, '=', &key, &value) && slice_eq(key, slice_cstr(name)))
            return arena_strdup(&r->s->arena, value);
    }
    return NULL;
}

static const struct suite_program *find_program(const struct suite *s, struct slice name)
{
    for (uint32_t i = 0; i < s->programs; i++)
        if (slice_eq(name, slice_cstr(s->program[i].name)))
            return &s->program[i];
    return NULL;
}

static void read_programs(struct reader *r, const yaml_node_t *list)
{
    static const char *const keys[] = {"name", "address", NULL};
    struct suite *s = r->s;
    const yaml_node_t *n;

    for (uint32_t i = 0; (n = document_item(r->d, list, i, "programs")); i++) {
        document_only(r->d, n, keys);
        const char *name = document_text(r->d, n, "name", NULL);
        document_need(r->d, n, "name", "it stands in `to` as {name}");
        document_need(r->d, n, "address", "ADDRESS:PORT");
        if (!document_ok(r->d))
            return;
        if (!is_name(name))
            document_refuse(r->d, n, "name '%.60s': letters, digits, - and _ only", name);
        if (i == SUITE_PROGRAMS_MAX)
            document_refuse(r->d, n, "more than %d programs", SUITE_PROGRAMS_MAX);
        if (strcmp(name, "n") == 0 || strcmp(name, "callees") == 0 ||
            find_program(s, slice_cstr(name)))
            document_refuse(r->d, n, "name '%.60s' is taken", name);
        if (!document_ok(r->d))
            return;
        const char *address = overridden(r, name);
        s->program[s->programs++] = (struct suite_program){
            keep(r, name), address ? address : keep(r, document_text(r->d, n, "address", ""))};
    }
}

/* Each of --address must be a program of the file. */
static void check_overrides(struct reader *r)
{
    struct slice rest = slice_cstr(r->options->addresses), item, key, value;

    while (rest.len && document_ok(r->d)) {
        slice_cut(rest, ',', &item, &rest);
        if (!slice_cut(item, '=', &key, &value) || value.len == 0)
            document_refuse(r->d, NULL, "--address '" SLICE_FMT "': write NAME=ADDRESS:PORT",
                            SLICE_ARG(item));
        else if (!find_program(r->s, key))
            document_refuse(r->d, NULL, "--address: programs has no '" SLICE_FMT "'",
                            SLICE_ARG(key));
    }
}

static void read_codecs(struct reader *r, const yaml_node_t *map, struct sdp_codecs *out)
{
    const char *text = document_text(r->d, map, "codecs", NULL);
    struct slice wrong = SLICE_NONE;

    if (text && sdp_codecs_parse(slice_cstr(text), out, &wrong) != OK)
        document_refuse(r->d, document_get(r->d, map, "codecs"),
                        "codecs: '" SLICE_FMT "' is not accepted; accepted: " SDP_CODEC_WORDS
                        ", each once, the preferred one first",
                        SLICE_ARG(wrong));
}

/* ---- callers ---- */

/* {name} of a program becomes its address; {callees} stays until the port is known. */
static const char *with_addresses(struct reader *r, const char *to)
{
    char text[512];
    struct buf b = buf_on(text, sizeof text - 1);

    for (const char *p = to; *p; p++) {
        const char *close = *p == '{' ? strchr(p, '}') : NULL;
        const struct suite_program *k =
            close ? find_program(r->s, slice_of(p + 1, (size_t)(close - p - 1))) : NULL;
        if (k) {
            buf_puts(&b, k->address);
            p = close;
        } else {
            buf_putc(&b, *p);
        }
    }
    text[b.len] = '\0';
    return keep(r, text);
}

/* What a law dislikes stands at the key that said it. */
static void refuse_law(struct reader *r, const yaml_node_t *n, const char *error)
{
    const char *said = strncmp(error, "--", 2) == 0 ? error + 2 : error;
    const yaml_node_t *at = document_get(r->d, n, strncmp(said, "rate", 4) == 0 ? "rate" : "law");

    document_refuse(r->d, at ? at : n, "%s", said);
}

static void read_law(struct reader *r, const yaml_node_t *n, struct suite_callers *k)
{
    struct suite *s = r->s;
    char error[LAW_ERROR_MAX];
    struct law_spec spec = {
        .rate = document_text(r->d, n, "rate", "1/s"),
        .law = document_text(r->d, n, "law", NULL),
        .folder = r->folder,
        .calls = document_whole(r->d, n, "calls", 0, 1, SUITE_CALLS_MAX),
        .seed = s->seed,
        .name = slice_cstr(k->name), /* each group has dice of its own */
    };
    /* Laws without end go on until the duration does. */
    bool given = spec.calls > 0, ramp = spec.law && strstr(spec.law, "ramp:");

    if (!document_ok(r->d))
        return;
    if (!given && s->duration_us && !ramp)
        spec.calls = SUITE_CALLS_MAX;
    if (law_parse(&k->law, &spec, error) != OK) {
        refuse_law(r, n, error);
        return;
    }
    if (s->duration_us && k->start_us >= s->duration_us) {
        document_refuse(r->d, n, "start: is after the end of the suite's duration");
        return;
    }
    k->planned = law_count(&k->law, s->duration_us ? s->duration_us - k->start_us : UINT64_MAX,
                           SUITE_CALLS_MAX);
    k->law.calls = k->planned;
    if (!k->planned)
        document_refuse(r->d, n, "%s: its law has no call in this time", k->name);
}

static void read_group(struct reader *r, const yaml_node_t *n, struct suite_callers *k)
{
    static const char *const keys[] = {"name",   "scenario",  "to",     "from",  "data",
                                       "calls",  "rate",      "law",    "start", "min_success",
                                       "impair", "misbehave", "codecs", NULL};
    struct document *d = r->d;

    document_only(d, n, keys);
    document_need(d, n, "name", "what the report calls these callers");
    document_need(d, n, "scenario", "a script, such as callers/normal");
    document_need(d, n, "to", "whom they call, such as \"sip:{n}@{engine}\"");
    if (!document_ok(d))
        return;
    k->line = document_line(n);
    k->name = keep(r, document_text(d, n, "name", ""));
    if (!is_name(k->name) || strcmp(k->name, "callees") == 0)
        document_refuse(d, document_get(d, n, "name"),
                        "name '%.60s': letters, digits, - and _ only, and not callees", k->name);
    for (uint32_t i = 0; i < r->s->caller_groups; i++)
        if (strcmp(k->name, r->s->callers[i].name) == 0)
            document_refuse(d, document_get(d, n, "name"), "name '%.60s' is taken", k->name);
    k->scenario = keep_path(r, r->s->scenarios, document_text(d, n, "scenario", ""), ".lua");
    const char *to = document_text(d, n, "to", "");
    if (strncmp(to, "sip:", 4) != 0)
        document_refuse(d, document_get(d, n, "to"),
                        "to is '%.80s': write sip:NUMBER@HOST:PORT; {n} stands for the call's "
                        "number, {column} for a column of data, {program} for an address",
                        to);
    if (strstr(to, "{callees}") && !r->s->answers)
        document_refuse(d, document_get(d, n, "to"),
                        "to: {callees} stands for callees of this suite, and it has none");
    k->to = with_addresses(r, to);
    k->from = keep(r, document_text(d, n, "from", "+12025550100"));
    k->data = keep_path(r, r->folder, document_text(d, n, "data", NULL), "");
    k->start_us = (uint64_t)(document_number(d, n, "start", 0, 0, DURATION_MAX_S) * 1e6);
    k->min_success = document_number(d, n, "min_success", 100, 0, 100);
    wrongs_read(d, document_get(d, n, "impair"), document_get(d, n, "misbehave"), &k->wrongs);
    read_codecs(r, n, &k->codecs);
    read_law(r, n, k);
}

static void read_callers(struct reader *r, const yaml_node_t *list)
{
    const yaml_node_t *n;

    for (uint32_t i = 0; (n = document_item(r->d, list, i, "callers")); i++) {
        if (i == SUITE_CALLERS_MAX) {
            document_refuse(r->d, n, "more than %d groups of callers", SUITE_CALLERS_MAX);
            return;
        }
        read_group(r, n, &r->s->callers[r->s->caller_groups]);
        if (!document_ok(r->d))
            return;
        r->s->caller_groups++;
    }
}

/* ---- the rest ---- */

static void read_callees(struct reader *r, const yaml_node_t *n)
{
    static const char *const keys[] = {"mix", "at_least", "impair", "misbehave", NULL};

    if (!n)
        return;
    document_only(r->d, n, keys);
    r->s->answers = true;
    r->s->answers_line = document_line(n);
    r->s->mix = keep_path(r, r->folder, document_text(r->d, n, "mix", NULL), "");
    wrongs_read(r->d, document_get(r->d, n, "impair"), document_get(r->d, n, "misbehave"),
                &r->s->wrongs);
    r->s->wrongs_given = r->s->wrongs.impaired || r->s->wrongs.rules;
    r->s->at_least = document_whole(r->d, n, "at_least", 0, 0, SUITE_CALLS_MAX);
}

static void read_settings(struct reader *r, const yaml_node_t *map)
{
    const yaml_node_t *n;
    const char *key;

    for (uint32_t i = 0; map && (n = document_pair(r->d, map, i, &key)); i++) {
        const char *value = document_scalar(r->d, n, key);
        if (i == FLOW_SETTINGS_MAX)
            document_refuse(r->d, n, "more than %d settings", FLOW_SETTINGS_MAX);
        if (!document_ok(r->d))
            return;
        r->s->setting[r->s->settings++] = (struct flow_field){keep(r, key), keep(r, value)};
    }
}

static const char *read_file(struct reader *r, const yaml_node_t *root, const char *key)
{
    return keep_path(r, r->folder, document_text(r->d, root, key, NULL), "");
}

static void read_security(struct reader *r, const yaml_node_t *root)
{
    static const char *const words[] = {"off", "offered", "required"};
    struct suite *s = r->s;
    const char *srtp = document_text(r->d, root, "srtp", "off");

    s->srtp = NULL;
    for (uint32_t i = 0; i < 3; i++)
        if (srtp && strcmp(srtp, words[i]) == 0)
            s->srtp = words[i];
    if (document_ok(r->d) && !s->srtp)
        document_refuse(r->d, document_get(r->d, root, "srtp"),
                        "srtp: '%.40s' is not known; off, offered and required are", srtp);
    s->tls_authorities = read_file(r, root, "tls_authorities");
    s->tls_certificate = read_file(r, root, "tls_certificate");
    s->tls_key = read_file(r, root, "tls_key");
    if (document_ok(r->d) && !s->tls_certificate != !s->tls_key)
        document_refuse(r->d, root, "tls_certificate and tls_key go together");
}

static void read_all(struct reader *r)
{
    static const char *const keys[] = {"name",
                                       "seed",
                                       "scenarios",
                                       "duration",
                                       "drain",
                                       "listen",
                                       "media_ports",
                                       "max_calls",
                                       "late_limit_ms",
                                       "workers",
                                       "callees",
                                       "programs",
                                       "callers",
                                       "settings",
                                       "srtp",
                                       "shared_media",
                                       "codecs",
                                       "tls_authorities",
                                       "tls_certificate",
                                       "tls_key",
                                       NULL};
    struct document *d = r->d;
    struct suite *s = r->s;
    const yaml_node_t *root = document_root(d);

    document_only(d, root, keys);
    s->name = keep(r, document_text(d, root, "name", s->path));
    s->seed = document_whole(d, root, "seed", 1, 0, INT64_MAX);
    if (r->options->seed)
        s->seed = *r->options->seed;
    s->scenarios = keep_path(r, r->folder, document_text(d, root, "scenarios", "."), "");
    s->duration_us = (uint64_t)(document_number(d, root, "duration", 0, 0, DURATION_MAX_S) * 1e6);
    s->drain_ms = (uint64_t)(document_number(d, root, "drain", 5, 0, 3600) * 1000);
    s->listen = keep(r, document_text(d, root, "listen", "127.0.0.1:0"));
    read_security(r, root);
    read_codecs(r, root, &s->codecs);
    s->media_ports = keep(r, document_text(d, root, "media_ports", "40000-59999"));
    s->max_calls = document_whole(d, root, "max_calls", 4096, 1, 100000);
    s->late_limit_ms = document_whole(d, root, "late_limit_ms", 20, 0, 60000);
    s->workers = document_whole(d, root, "workers", 0, 0, 64);
    s->shared_media = document_bool(d, root, "shared_media", false);
    if (document_ok(d) && s->shared_media && s->workers > 1)
        document_refuse(d, document_get(d, root, "shared_media"),
                        "shared_media: legs that share a socket stay on one worker: workers: 1");
    read_programs(r, document_get(d, root, "programs"));
    check_overrides(r);
    read_callees(r, document_get(d, root, "callees"));
    read_callers(r, document_get(d, root, "callers"));
    read_settings(r, document_get(d, root, "settings"));
    if (document_ok(d) && !s->answers && !s->caller_groups)
        document_refuse(d, root, "a suite has callees, or callers, or both");
    if (document_ok(d) && !s->caller_groups && !s->duration_us)
        document_refuse(d, root, "duration: is missing: a suite without callers ends by it");
}

static enum err build(struct suite **out, struct document *d, const char *path,
                      const struct suite_options *options)
{
    struct suite *s = calloc(1, sizeof *s);
    struct reader r = {.d = d, .s = s, .options = options};
    const char *slash = strrchr(path, '/');

    if (!s)
        return ERR_NOMEM;
    arena_init(&s->arena, TEXT_MAX_BYTES);
    snprintf(r.folder, sizeof r.folder, "%.*s", slash ? (int)(slash - path) : 0, path);
    s->path = keep(&r, path);
    s->fingerprint = d->fingerprint;
    read_all(&r);
    if (document_ok(d) && s->arena.refused)
        document_refuse(d, NULL, "its texts are too long in all");
    if (document_ok(d)) {
        *out = s;
        return OK;
    }
    suite_free(s);
    return ERR_INVALID;
}

enum err suite_load(struct suite **out, const char *path, const struct suite_options *options,
                    char *error)
{
    struct document d;
    enum err e = document_load(&d, path, error);

    if (e == OK)
        e = build(out, &d, path, options);
    document_close(&d);
    return e;
}

enum err suite_load_text(struct suite **out, const char *path, struct slice text,
                         const struct suite_options *options, char *error)
{
    struct document d;
    enum err e = document_load_text(&d, path, text, error);

    if (e == OK)
        e = build(out, &d, path, options);
    document_close(&d);
    return e;
}

void suite_free(struct suite *s)
{
    if (!s)
        return;
    arena_fini(&s->arena);
    free(s);
}

bool suite_is_one(struct slice text)
{
    static const char *const marks[] = {"callers", "callees", "programs", NULL};
    char error[DOCUMENT_ERROR_MAX];
    struct document d;
    bool found = false;

    if (document_load_text(&d, "", text, error) == OK) {
        const yaml_node_t *root = document_root(&d);
        for (const char *const *m = marks; root && *m && !found; m++)
            found = document_get(&d, root, *m) != NULL;
    }
    document_close(&d);
    return found;
}
