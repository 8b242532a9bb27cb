/* A reading of the file with everything it names: its scripts in a runtime of their own, so that
 * calls of an older reading go on undisturbed, and the counters of its numbers, which outlive it.
 */
#include "serve/internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

static struct serve_line *line_of(struct serve *s, const char *key)
{
    for (struct serve_line *l = s->lines; l; l = l->next)
        if (strcmp(l->key, key) == 0)
            return l;
    struct serve_line *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    snprintf(l->key, sizeof l->key, "%s", key);
    l->next = s->lines;
    s->lines = l;
    s->line_count++;
    return l;
}

static enum err load(struct book *b, const char *path, uint32_t file_line, const char *flow,
                     const struct flow_script **out, char *error)
{
    char why[FLOW_TEXT_MAX] = "";
    struct flow_script *script;
    enum err e = flow_script_load(b->runtime, flow, &script, why);

    if (e == OK && flow_script_kind(script) != FLOW_KIND_FLOW) {
        snprintf(why, sizeof why, "%.300s: a number is answered by `return flow { … }`", flow);
        e = ERR_INVALID;
    }
    if (e != OK)
        snprintf(error, SERVE_ERROR_MAX, "%.300s:%u: flow: %s", path, file_line, why);
    *out = script;
    return e;
}

/* The first caller is not to wait for the synthesiser. */
static void prefetch(struct book *b, const struct flow_script *script,
                     const struct numbers_line *line)
{
    if (!b->numbers->speech_on_demand)
        flow_script_prefetch(b->runtime, script, line->language[0] ? line->language : NULL);
}

static enum err load_all(struct serve *s, struct book *b, char *error)
{
    const struct numbers *n = b->numbers;
    enum err e = OK;

    if (n->has_unknown)
        e = load(b, s->config.path, n->unknown.file_line, n->unknown.flow, &b->unknown, error);
    if (e == OK && n->has_unknown)
        prefetch(b, b->unknown, &n->unknown);
    for (uint32_t i = 0; i < n->count && e == OK; i++) {
        e = load(b, s->config.path, n->line[i].file_line, n->line[i].flow, &b->script[i], error);
        if (e == OK)
            prefetch(b, b->script[i], &n->line[i]);
        b->line[i] = line_of(s, n->line[i].key);
        if (!b->line[i])
            e = ERR_NOMEM;
    }
    return e;
}

/* Of what flows record. A reading that has none stays without effect. */
static enum err open_key(const struct serve *s, struct numbers *n, char *error)
{
    char why[SEAL_ERROR_MAX];
    enum err e = record_settings_open(&n->record, why);

    if (e)
        snprintf(error, SERVE_ERROR_MAX, "%.300s: recording: %s", s->config.path, why);
    return e;
}

enum err book_open(struct serve *s, struct numbers *n, struct book **out, char *error)
{
    struct flow_config flow = {
        .loop = s->loop,
        .audio_root = n->audio[0] ? n->audio : NULL,
        .sounds = call_env_sounds(s->env),
        .preload = true,
        .record_dir = s->recording_dir,
        .record = &n->record,
        .max_flows = n->calls,
        .store = store_for_flows(s->store),
        .synthesiser = n->speech[0] ? n->speech : NULL,
        .speech_folder = s->speech_dir,
        .speech_threads = n->speech_processes,
        .recordings = s->prints,
        .http_allow = n->http[0] ? n->http : NULL,
    };
    struct book *b = calloc(1, sizeof *b);

    error[0] = '\0';
    if (!b) {
        numbers_free(n);
        return ERR_NOMEM;
    }
    list_node_init(&b->node);
    b->numbers = n;
    enum err e = open_key(s, n, error);
    if (e != OK) {
        book_close(b);
        return e;
    }
    host_init(s, n, &b->host);
    flow.host = &b->host;
    b->script = calloc(n->count + 1, sizeof *b->script);
    b->line = calloc(n->count + 1, sizeof *b->line);
    rng_system(&flow.seed, sizeof flow.seed);
    e = b->script && b->line ? flow_runtime_open(&b->runtime, &flow) : ERR_NOMEM;
    if (e == ERR_NOT_FOUND)
        snprintf(error, SERVE_ERROR_MAX, "%.300s: audio: there is no folder %.300s", s->config.path,
                 n->audio);
    if (e == OK)
        e = load_all(s, b, error);
    if (e != OK) {
        if (!error[0])
            snprintf(error, SERVE_ERROR_MAX, "the scripts cannot be set up: %s", err_name(e));
        book_close(b);
        return e;
    }
    *out = b;
    return OK;
}

void book_close(struct book *b)
{
    list_remove(&b->node);
    flow_runtime_close(b->runtime);
    numbers_free(b->numbers);
    free(b->script);
    free(b->line);
    free(b);
}

static bool is_idle(const struct book *b)
{
    return b->calls == 0 && flow_runtime_stats(b->runtime)->running == 0;
}

void books_sweep(struct serve *s)
{
    list_each(n, next, &s->books)
    {
        struct book *b = container_of(n, struct book, node);

        if (b != s->book && is_idle(b))
            book_close(b);
    }
}

bool books_idle(struct serve *s)
{
    list_each(n, next, &s->books)
    {
        if (!is_idle(container_of(n, struct book, node)))
            return false;
    }
    return true;
}
