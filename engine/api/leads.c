/* Leads that are sent: through the import of dialer/import.h, each answered as on a feed. */
#include <stdatomic.h>
#include <stdlib.h>

#include "api/inner.h"
#include "api/leads_body.h"
#include "campaign/lists.h"
#include "dialer/import.h"

#define TAKE_MS 10000 /* for Redis to take them all */

const char *const api_leads_query[] = {"update", "list", NULL};

struct taking {
    struct timer limit;
    _Atomic uint32_t out_of_time;
    struct import_config config;
    struct import_result result;
    struct slice text;    /* rows to read */
    char *made, *answers; /* to be freed */
    size_t answers_len;
    uint64_t failed;
    char error[IMPORT_ERROR_MAX];
};

static void on_limit(struct timer *t)
{
    struct taking *k = container_of(t, struct taking, limit);

    atomic_store(&k->out_of_time, 1);
}

static void put_answers(struct buf *out, const struct taking *k)
{
    struct slice line, rest = slice_of(k->answers, k->answers_len);
    bool any = false;

    buf_puts(out, "\"leads\":[");
    while (slice_cut(rest, '\n', &line, &rest)) {
        if (any)
            buf_putc(out, ',');
        buf_put(out, line);
        any = true;
    }
    buf_puts(out, "]}");
}

static void reply(struct api_call *c, const struct taking *k, enum err e)
{
    const struct import_result *r = &k->result;
    uint64_t rejected = r->read.rejected + r->too_long + r->same_number;
    bool none = e == OK && rejected + k->failed == r->read.rows;
    struct buf out = api_out(c);

    buf_putc(&out, '{');
    if (e != OK) {
        char text[2 * IMPORT_ERROR_MAX];
        struct buf said = buf_on(text, sizeof(text));
        struct json j;

        json_init(&j, &said);
        json_cstr(&j, NULL,
                  e == ERR_CANCELLED ? "Redis did not take them in time; send again what has no "
                                       "answer"
                                     : k->error);
        buf_puts(&out, "\"error\":");
        buf_put(&out, buf_slice(&said));
        buf_putc(&out, ',');
    }
    buf_printf(&out, "\"new\":%llu,\"changed\":%llu,\"known\":%llu,\"rejected\":%llu,",
               (unsigned long long)r->added, (unsigned long long)r->updated,
               (unsigned long long)r->known, (unsigned long long)rejected);
    buf_printf(&out, "\"failed\":%llu,", (unsigned long long)k->failed);
    put_answers(&out, k);
    if (e != OK && c->to)
        http_server_field(c->to, "Retry-After: 1");
    api_reply(c,
              e == OK ? (none ? "422 Unprocessable Content" : "200 OK") : "503 Service Unavailable",
              &out);
}

static bool read_query(struct api_call *c, const struct campaign *campaign, struct taking *k,
                       const struct campaign_list **list)
{
    char name[QUEUE_LIST_MAX + 1];

    if (!api_flag(c, "update", &k->config.updates) || !api_value(c, "list", name, sizeof(name)))
        return false;
    *list = name[0] ? campaign_list_find(campaign, slice_cstr(name)) : NULL;
    if (!name[0] || *list)
        return true;
    api_refuse(c, "400 Bad Request", "the campaign has no list '%s'", name);
    return false;
}

static void take(struct api_call *c, const struct campaign *campaign, struct taking *k)
{
    struct ask *ask = &c->place->ask;
    const struct campaign_list *list;
    struct import_config *config = &k->config;
    const struct queue_add_stats *stats = queue_add_stats_of(ask->queue);
    uint64_t failed = stats->failed;

    if (!read_query(c, campaign, k, &list))
        return;
    config->loop = ask->loop;
    config->queue = ask->queue;
    config->campaign = campaign;
    config->lists = &list;
    config->text = k->text;
    config->stop_asked = &k->out_of_time;
    config->answers = open_memstream(&k->answers, &k->answers_len);
    if (!config->answers || zone_cache_open(&config->zones) != OK) {
        api_refuse(c, "503 Service Unavailable", "no memory");
    } else {
        loop_timer(ask->loop, &k->limit, TAKE_MS, on_limit);
        enum err e = import_files(config, &k->result, k->error);

        loop_timer_stop(ask->loop, &k->limit);
        fflush(config->answers);
        k->failed = stats->failed - failed;
        if (e == ERR_INVALID && !k->answers_len) /* no header, and the like */
            api_refuse(c, "400 Bad Request", "%s", k->error);
        else
            reply(c, k, e == ERR_IO && k->failed ? OK : e);
    }
    if (config->answers)
        fclose(config->answers);
    zone_cache_close(config->zones);
}

void api_post_leads(struct api_call *c)
{
    struct taking *k = calloc(1, sizeof(*k));
    char says[LEADS_BODY_SAYS_MAX];
    struct campaign *campaign = NULL;

    if (!k) {
        api_refuse(c, "503 Service Unavailable", "no memory");
        return;
    }
    timer_init(&k->limit);
    enum err e = leads_body_read(c->request.body, &k->text, &k->made, says);

    if (e != OK)
        api_refuse(c, e == ERR_TOO_LONG ? "413 Content Too Large" : "400 Bad Request", "%s", says);
    else if ((campaign = api_campaign_load(c)))
        take(c, campaign, k);
    campaign_free(campaign);
    free(k->made);
    free(k->answers);
    free(k);
}
