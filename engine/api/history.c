/* A campaign's call attempts, from its data folder, a page at a time. Read on the API's own thread:
 * SQLite's readers hold up neither calls nor the writer of records. */
#include <stdlib.h>

#include "api/inner.h"
#include "report/history_options.h"
#include "report/history_out.h"

#define ROWS_DEFAULT 100
#define ROWS_MAX     1000
#define ROW_ROOM     65536 /* of the answer, left for one more row and its end */
#define TEXT_MAX     256

/* The options of `peal history` by their names there, then what pages are asked with. */
enum {
    FROM,
    TO,
    ZONE,
    CLIENT,
    LEAD,
    NUMBER,
    AGENT,
    GROUP,
    DISPOSITION,
    KIND,
    RESULT,
    DELIVERY,
    SHORTEST,
    LONGEST,
    ROWS,
    AFTER,
    TOTALS,
    QUERIES
};
const char *const api_history_query[] = {
    "from",         "to",           "zone",        "client", "lead",   "number",
    "agent",        "group",        "disposition", "kind",   "result", "delivery",
    "min-duration", "max-duration", "rows",        "after",  "totals", NULL};
_Static_assert(sizeof(api_history_query) / sizeof(*api_history_query) == QUERIES + 1,
               "each has its name");

struct page {
    struct history_options options;
    char text[QUERIES][TEXT_MAX];
    uint32_t rows;
    bool totals, paged;
    /* Where the page before ended: rows are in the order of time, lead and attempt. */
    uint64_t after_ms;
    uint32_t after_attempt;
    struct slice after_lead;
    struct history_totals sums;
};

/* "1774860300000.2.L-4711" */
static bool read_after(struct page *p)
{
    struct slice ms, attempt, rest = slice_cstr(p->text[AFTER]);

    p->paged = rest.len > 0;
    return !p->paged ||
           (slice_cut(rest, '.', &ms, &rest) && slice_cut(rest, '.', &attempt, &p->after_lead) &&
            slice_u64(ms, UINT64_MAX / 2, &p->after_ms) == OK &&
            slice_u32(attempt, &p->after_attempt) == OK && p->after_lead.len);
}

static bool is_before(const struct page *p, const struct history_row *r)
{
    if (!p->paged || r->wall_ms != p->after_ms)
        return p->paged && r->wall_ms < p->after_ms;
    int lead = slice_cmp(r->lead, p->after_lead);

    return lead < 0 || (lead == 0 && r->attempt <= p->after_attempt);
}

static const char *or_null(const char *text)
{
    return text[0] ? text : NULL;
}

static bool read_page(struct api_call *c, struct page *p)
{
    struct history_options *o = &p->options;

    for (int i = 0; i < QUERIES; i++)
        if (!api_value(c, api_history_query[i], p->text[i], TEXT_MAX))
            return false;
    history_filter_init(&o->filter);
    o->from = or_null(p->text[FROM]);
    o->to = or_null(p->text[TO]);
    o->zone = or_null(p->text[ZONE]);
    o->kind = or_null(p->text[KIND]);
    o->result = or_null(p->text[RESULT]);
    o->delivery = or_null(p->text[DELIVERY]);
    o->shortest = or_null(p->text[SHORTEST]);
    o->longest = or_null(p->text[LONGEST]);
    o->filter.client = or_null(p->text[CLIENT]);
    o->filter.lead = or_null(p->text[LEAD]);
    o->filter.number = or_null(p->text[NUMBER]);
    o->filter.agent = or_null(p->text[AGENT]);
    o->filter.group = or_null(p->text[GROUP]);
    o->filter.disposition = or_null(p->text[DISPOSITION]);
    o->filter.campaign = c->place->about->name;
    p->rows = ROWS_DEFAULT;
    if (p->text[ROWS][0] &&
        (slice_u32(slice_cstr(p->text[ROWS]), &p->rows) != OK || !p->rows || p->rows > ROWS_MAX)) {
        api_refuse(c, "400 Bad Request", "rows: 1 to %d", ROWS_MAX);
        return false;
    }
    if (!read_after(p)) {
        api_refuse(c, "400 Bad Request", "after: it is what the page before gave as `next`");
        return false;
    }
    return api_flag(c, "totals", &p->totals);
}

static void put_totals(struct buf *out, const struct page *p)
{
    struct history_figure figure[HISTORY_FIGURES_MAX];
    uint32_t n = history_figures(&p->sums, figure);
    struct json j;

    buf_puts(out, ",\"totals\":");
    json_init(&j, out);
    json_begin_object(&j, NULL);
    for (uint32_t i = 0; i < n; i++)
        json_num(&j, figure[i].name, figure[i].value);
    json_end(&j);
}

static void put_next(struct buf *out, const char *next)
{
    struct json j;

    buf_puts(out, "],\"next\":");
    json_init(&j, out);
    json_cstr(&j, NULL, next[0] ? next : NULL);
}

/* Rows until the page is full; with totals, all others are summed up, too. */
static enum err put_rows(struct page *p, struct history *h, const struct zone *zone,
                         struct buf *out, char *error)
{
    char last[TEXT_MAX] = "", next[TEXT_MAX] = "";
    struct history_row row;
    uint32_t n = 0;
    size_t len;
    enum err e;

    buf_puts(out, "{\"rows\":[");
    while ((e = history_next(h, &row, error)) == OK) {
        if (p->totals)
            history_totals_add(&p->sums, &row);
        if (is_before(p, &row))
            continue;
        if (n == p->rows || out->cap - out->len < 2 * ROW_ROOM) {
            memcpy(next, last, sizeof(next));
            if (!p->totals)
                break;
            continue;
        }
        if (n++)
            buf_putc(out, ',');
        e = history_json_row(&row, zone, out->p + out->len, ROW_ROOM, &len);
        if (e != OK)
            return e;
        out->len += len;
        snprintf(last, sizeof(last), "%llu.%u.%.*s", (unsigned long long)row.wall_ms, row.attempt,
                 SLICE_ARG(row.lead));
    }
    put_next(out, next);
    if (p->totals)
        put_totals(out, p);
    buf_putc(out, '}');
    return e == ERR_CLOSED ? OK : e;
}

static void answer(struct api_call *c, struct page *p)
{
    const char *folder = c->place->about->data_dir, *which = "";
    char error[HISTORY_ERROR_MAX] = "";
    struct buf out = api_out(c);
    struct history *h = NULL;
    struct zone *zone = NULL;
    enum err e = history_options_read(&p->options, &folder, 1, &zone, &which, error);

    if (e != OK) {
        api_refuse(c, "400 Bad Request", "%s: %s", which, error);
    } else {
        if (p->paged && !p->totals && p->after_ms > p->options.filter.from_ms)
            p->options.filter.from_ms = p->after_ms;
        e = history_open(&h, &folder, 1, &p->options.filter, error);
        if (e == OK)
            e = put_rows(p, h, zone, &out, error);
        if (e == OK)
            api_reply(c, "200 OK", &out);
        else
            api_refuse(c, e == ERR_NOT_FOUND ? "404 Not Found" : "500 Internal Server Error", "%s",
                       error[0] ? error : err_name(e));
    }
    history_close(h);
    zone_close(zone);
}

void api_get_history(struct api_call *c)
{
    struct page *p = calloc(1, sizeof(*p));

    if (!p)
        api_refuse(c, "503 Service Unavailable", "no memory");
    else if (read_page(c, p))
        answer(c, p);
    free(p);
}
