/* What is only looked at: campaigns, status, leads, our own counters. */
#include <stdlib.h>

#include "api/inner.h"
#include "api/status.h"
#include "api/why.h"

void api_get_campaigns(struct api_call *c)
{
    struct buf out = api_out(c);
    struct json j;

    json_init(&j, &out);
    json_begin_array(&j, NULL);
    for (uint32_t i = 0; i < c->api->config.campaign_count; i++) {
        json_begin_object(&j, NULL);
        json_cstr(&j, "name", c->api->config.campaign[i].name);
        json_end(&j);
    }
    json_end(&j);
    api_reply(c, "200 OK", &out);
}

void api_get_counts(struct api_call *c)
{
    const struct http_server_counts n = http_server_counts(c->api->server);
    struct buf out = api_out(c);
    struct json j;

    json_init(&j, &out);
    json_begin_object(&j, NULL);
    json_u64(&j, "connections", n.connections);
    json_u64(&j, "connections_now", n.now);
    json_u64(&j, "connections_refused", n.surplus);
    json_u64(&j, "connections_closed", n.closed);
    json_u64(&j, "requests", n.requests);
    json_u64(&j, "requests_waiting", c->api->count);
    json_u64(&j, "requests_answered", c->api->answered);
    json_u64(&j, "requests_failed", c->api->failed);
    json_u64(&j, "requests_unauthorised", c->api->unauthorised);
    json_u64(&j, "requests_malformed", n.malformed);
    json_u64(&j, "requests_too_large", n.too_large);
    json_u64(&j, "requests_too_slow", n.too_slow);
    json_u64(&j, "clients_left", n.left);
    json_end(&j);
    api_reply(c, "200 OK", &out);
}

/* False: answered. */
static bool open_view(struct api_call *c, struct view *v)
{
    struct campaign *campaign = api_campaign_load(c);

    if (!campaign)
        return false;
    if (view_open(v, &c->place->ask, c->place->about->name, campaign))
        return true;
    api_redis_failed(c, "the campaign's state cannot be read");
    view_close(v);
    return false;
}

void api_get_status(struct api_call *c)
{
    struct buf out = api_out(c);
    struct status *s;
    struct json j;
    struct view v;

    if (!open_view(c, &v))
        return;
    s = status_count(&v);
    if (s) {
        json_init(&j, &out);
        status_json(s, &j);
        api_reply(c, "200 OK", &out);
    } else {
        api_redis_failed(c, "the campaign cannot be counted");
    }
    free(s);
    view_close(&v);
}

static void on_why(void *arg, const struct why *w)
{
    why_json(w, arg);
}

void api_get_lead(struct api_call *c)
{
    struct buf out = api_out(c);
    struct why_counts n;
    struct json j;
    struct view v;

    if (!open_view(c, &v))
        return;
    json_init(&j, &out);
    json_begin_array(&j, NULL);
    bool good = why_ask(&v, c->part[1], on_why, &j, &n);

    json_end(&j);
    if (!good)
        api_redis_failed(c, "the lead cannot be looked at");
    else if (n.found == 0)
        api_refuse(c, "404 Not Found", "%s is not in campaign %s", c->part[1], v.name);
    else
        api_reply(c, "200 OK", &out);
    view_close(&v);
}
