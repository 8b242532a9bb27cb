/* Who may ask, what for, and how answers are given. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "api/inner.h"

static const char *const no_query[] = {NULL};

struct route {
    struct api_route_about about;
    void (*answer)(struct api_call *c);
};

static const struct route routes[] = {
    {{"GET", "/v1", "this list", no_query}, NULL},
    {{"GET", "/v1/api", "what the API's own counters say", no_query}, api_get_counts},
    {{"GET", "/v1/campaigns", "the campaigns served here", no_query}, api_get_campaigns},
    {{"GET", "/v1/campaigns/{campaign}/status", "what `peal status --json` says", no_query},
     api_get_status},
    {{"GET", "/v1/campaigns/{campaign}/leads/{lead}",
      "what `peal why --json` says of a lead, by its id or a number", no_query},
     api_get_lead},
    {{"POST", "/v1/campaigns/{campaign}/leads",
      "adds leads, or changes them; each is answered with its reason", api_leads_query},
     api_post_leads},
    {{"POST", "/v1/campaigns/{campaign}/leads/{lead}/stop",
      "stops a lead because of an event outside, as `peal leads stop`", no_query},
     api_post_lead_stop},
    {{"POST", "/v1/campaigns/{campaign}/pause", "no new calls", no_query}, api_post_pause},
    {{"POST", "/v1/campaigns/{campaign}/resume", "lets it go on", no_query}, api_post_resume},
    {{"POST", "/v1/campaigns/{campaign}/drain", "live calls end, then the engines", no_query},
     api_post_drain},
    {{"POST", "/v1/campaigns/{campaign}/stop", "the engines end", no_query}, api_post_stop},
    {{"POST", "/v1/campaigns/{campaign}/reload", "the engines read their files again", no_query},
     api_post_reload},
    {{"GET", "/v1/campaigns/{campaign}/history",
      "call attempts as `peal history --json` tells them, a page at a time", api_history_query},
     api_get_history},
    {{"GET", "/v1/dnc/{number}", "the lists that hold a number, its lock and its calls", no_query},
     api_get_dnc},
    {{"POST", "/v1/dnc", "puts a number or prefix on a do-not-call list", no_query}, api_post_dnc},
    {{"DELETE", "/v1/dnc/{number}", "takes it off a list", api_dnc_query}, api_delete_dnc},
};

#define ROUTES (sizeof(routes) / sizeof(routes[0]))

uint32_t api_routes(const struct api_route_about **out)
{
    static struct api_route_about all[ROUTES];

    for (size_t i = 0; i < ROUTES; i++)
        all[i] = routes[i].about;
    *out = all;
    return ROUTES;
}

/* ---- who may ask ---- */

/* Takes as long for any token of the given one's length. */
static bool is_token(const char *token, struct slice given)
{
    size_t n = strlen(token);
    volatile unsigned differs = (unsigned)(n ^ given.len);

    for (uint32_t i = 0; i < given.len; i++)
        differs |= (unsigned char)given.p[i] ^ (unsigned char)token[i % n];
    return differs == 0;
}

/* Not a name, which a page elsewhere may have made to mean this machine. */
static bool is_numeric(struct slice host)
{
    struct addr a = {0};
    struct slice name, port;

    slice_cut(host, ':', &name, &port);
    return slice_ieq(name, SLICE("localhost")) || addr_parse(host, 80, &a) == OK;
}

bool api_may_ask(struct api *a, struct http_client *to, const struct http_request *r)
{
    if (a->config.token) {
        if (slice_istarts(r->authorization, SLICE("Bearer ")) &&
            is_token(a->token, slice_trim(slice_from(r->authorization, 7))))
            return true;
        a->unauthorised++;
        http_server_field(to, "WWW-Authenticate: Bearer");
        http_server_refuse(to, "401 Unauthorized",
                           r->authorization.len
                               ? "that is not this API's token"
                               : "a token is needed: send Authorization: Bearer TOKEN");
        return false;
    }
    if (!r->origin.len && (!r->host.len || is_numeric(r->host)))
        return true;
    a->unauthorised++;
    http_server_refuse(to, "403 Forbidden",
                       "without a token, only programs of this machine may ask, by its address: "
                       "no pages of a browser, no names");
    return false;
}

/* ---- answers ---- */

struct buf api_out(struct api_call *c)
{
    return buf_on(c->api->out, HTTP_SERVER_REPLY_MAX);
}

void api_reply(struct api_call *c, const char *status, struct buf *out)
{
    if (c->answered)
        return;
    buf_putc(out, '\n');
    if (buf_end(out) != OK) {
        api_refuse(c, "500 Internal Server Error", "the answer is too long");
        return;
    }
    c->answered = true;
    c->api->failed += status[0] == '5';
    if (c->to)
        http_server_reply(c->to, status, "application/json", buf_slice(out));
}

void api_refuse(struct api_call *c, const char *status, const char *fmt, ...)
{
    char text[API_ERROR_MAX];
    va_list args;

    if (c->answered)
        return;
    c->answered = true;
    c->api->failed += status[0] == '5';
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (c->to)
        http_server_refuse(c->to, status, text);
}

void api_redis_failed(struct api_call *c, const char *what)
{
    const struct ask *ask = &c->place->ask;

    if (c->to)
        http_server_field(c->to, "Retry-After: 1");
    api_refuse(c, "503 Service Unavailable", "%s (%s)%s%s", what, err_name(ask->e),
               ask->error[0] ? ": " : "", ask->error);
}

bool api_value(struct api_call *c, const char *name, char *dst, size_t cap)
{
    enum err e = http_query_value(c->request.query, name, dst, cap);

    if (e == OK || e == ERR_NOT_FOUND)
        return true;
    api_refuse(c, "400 Bad Request",
               e == ERR_TOO_LONG ? "%s: it has %zu bytes at most" : "%s: it is not well escaped",
               name, cap - 1);
    return false;
}

bool api_flag(struct api_call *c, const char *name, bool *out)
{
    char text[8];

    if (!api_value(c, name, text, sizeof(text)))
        return false;
    *out = strcmp(text, "yes") == 0;
    if (*out || !text[0] || strcmp(text, "no") == 0)
        return true;
    api_refuse(c, "400 Bad Request", "%s: yes and no are accepted", name);
    return false;
}

struct campaign *api_campaign_load(struct api_call *c)
{
    char error[CAMPAIGN_ERROR_MAX] = "";
    struct campaign *campaign;

    if (campaign_load(&campaign, c->place->about->path, error) == OK) {
        if (strcmp(campaign->name, c->place->about->name) == 0)
            return campaign;
        api_refuse(c, "500 Internal Server Error", "%s is now of campaign %s",
                   c->place->about->path, campaign->name);
        campaign_free(campaign);
    } else {
        api_refuse(c, "500 Internal Server Error", "the campaign file cannot be used: %.400s",
                   error);
    }
    return NULL;
}

/* ---- routes ---- */

static void list_routes(struct api_call *c)
{
    struct buf out = api_out(c);
    struct json j;

    json_init(&j, &out);
    json_begin_array(&j, NULL);
    for (size_t i = 0; i < ROUTES; i++) {
        const struct api_route_about *r = &routes[i].about;

        json_begin_object(&j, NULL);
        json_cstr(&j, "method", r->method);
        json_cstr(&j, "path", r->path);
        json_begin_array(&j, "query");
        for (const char *const *q = r->query; *q; q++)
            json_cstr(&j, NULL, *q);
        json_end(&j);
        json_cstr(&j, "summary", r->summary);
        json_end(&j);
    }
    json_end(&j);
    api_reply(c, "200 OK", &out);
}

/* Part by part; what stands in braces is told. */
static bool fits(const char *pattern, struct slice path, struct api_call *c)
{
    struct slice want = slice_cstr(pattern), a, b;
    uint32_t parts = 0;
    bool more_a = true, more_b = true;

    while (more_a && more_b) {
        more_a = slice_cut(want, '/', &a, &want);
        more_b = slice_cut(path, '/', &b, &path);
        if (a.len && a.p[0] == '{') {
            if (!b.len || http_unescape(b, c->part[parts++], sizeof(c->part[0])) != OK)
                return false;
        } else if (!slice_eq(a, b)) {
            return false;
        }
    }
    return more_a == more_b;
}

static bool find_place(struct api_call *c)
{
    for (uint32_t i = 0; i < c->api->config.campaign_count; i++)
        if (strcmp(c->api->config.campaign[i].name, c->part[0]) == 0)
            c->place = &c->api->place[i];
    if (!c->place)
        api_refuse(c, "404 Not Found", "campaign '%s' is not served here; GET /v1/campaigns lists",
                   c->part[0]);
    return c->place != NULL;
}

static void answer(const struct route *r, struct api_call *c)
{
    struct slice other = http_query_unknown(c->request.query, r->about.query);

    if (other.len) {
        api_refuse(c, "400 Bad Request", "'%.*s' is not asked for here; GET /v1 lists what is",
                   (int)(other.len < 40 ? other.len : 40), other.p);
        return;
    }
    if (!r->answer) {
        list_routes(c);
        return;
    }
    bool lists = strncmp(r->about.path, "/v1/dnc", 7) == 0; /* of the whole Redis */

    if (lists)
        c->place = &c->api->place[0];
    if (lists || strstr(r->about.path, "{campaign}")) {
        if (!c->place && !find_place(c))
            return;
        if (!api_place_ready(c->api, c->place)) {
            c->place->ask.e = ERR_CLOSED;
            api_redis_failed(c, "Redis is away");
            return;
        }
    }
    r->answer(c);
    if (!c->answered)
        api_refuse(c, "500 Internal Server Error", "nothing was answered");
}

void api_answer(struct api_call *c)
{
    char allow[64] = "Allow:";
    bool known = false;

    for (size_t i = 0; i < ROUTES; i++) {
        const struct route *r = &routes[i];

        if (!fits(r->about.path, c->request.path, c))
            continue;
        if (slice_eq(c->request.method, slice_cstr(r->about.method))) {
            answer(r, c);
            return;
        }
        snprintf(allow + strlen(allow), sizeof(allow) - strlen(allow), "%s %s", known ? "," : "",
                 r->about.method);
        known = true;
    }
    if (!known) {
        api_refuse(c, "404 Not Found", "there is nothing here; GET /v1 lists what there is");
        return;
    }
    http_server_field(c->to, allow);
    api_refuse(c, "405 Method Not Allowed", "here it is %s", allow + 7);
}

/* ---- tokens ---- */

static enum err check_token(const char *from, const char *token, char *error)
{
    size_t n = strlen(token);

    for (const char *p = token; *p; p++)
        if (*p <= ' ' || *p >= 0x7f)
            n = 0;
    if (n >= API_TOKEN_MIN && n <= API_TOKEN_MAX)
        return OK;
    snprintf(error, API_ERROR_MAX,
             "%.300s: a token has %d to %d printed characters without blanks, such as "
             "`openssl rand -hex 32` makes",
             from, API_TOKEN_MIN, API_TOKEN_MAX);
    return ERR_INVALID;
}

enum err api_token(const char *path, char token[API_TOKEN_MAX + 1], bool *found, char *error)
{
    char line[API_TOKEN_MAX + 3] = "";
    const char *set = getenv("PEAL_API_TOKEN");

    *found = path || set;
    if (!*found)
        return OK;
    if (path) {
        FILE *f = fopen(path, "r");

        if (!f || !fgets(line, sizeof(line), f))
            line[0] = '\0';
        if (f)
            fclose(f);
        line[strcspn(line, "\r\n")] = '\0';
    } else {
        snprintf(line, sizeof(line), "%s", set);
        unsetenv("PEAL_API_TOKEN"); /* not for those we start */
    }
    enum err e = check_token(path ? path : "PEAL_API_TOKEN", line, error);

    if (e == OK)
        memcpy(token, line, strlen(line) + 1);
    explicit_bzero(line, sizeof(line));
    return e;
}
