/* What sentinels and cluster nodes answer, right and wrong; slots by the specification's own
 * examples; URLs of both kinds. */
#include <criterion/criterion.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

#include "queue/redis_reply.h"

static redisReply *read_resp(const char *resp)
{
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;

    cr_assert_eq(redisReaderFeed(reader, resp, strlen(resp)), REDIS_OK);
    cr_assert_eq(redisReaderGetReply(reader, &reply), REDIS_OK);
    redisReaderFree(reader);
    cr_assert_not_null(reply, "%s", resp);
    return reply;
}

static const struct redis_host self = {"127.0.0.1", 7000};

Test(redis_reply, redirections)
{
    static const struct {
        const char *resp;
        enum redis_redirect how;
        uint32_t slot;
        const char *host;
        uint16_t port;
    } rows[] = {
        {"-MOVED 3999 127.0.0.1:6381\r\n", REDIRECT_MOVED, 3999, "127.0.0.1", 6381},
        {"-ASK 0 ::1:6381\r\n", REDIRECT_ASK, 0, "::1", 6381},
        {"-MOVED 16383 :6382\r\n", REDIRECT_MOVED, 16383, "127.0.0.1", 6382},
        {"-MOVED 16384 127.0.0.1:6381\r\n", REDIRECT_NONE, 0, "", 0},
        {"-MOVED 1 127.0.0.1:0\r\n", REDIRECT_NONE, 0, "", 0},
        {"-MOVED 1 127.0.0.1\r\n", REDIRECT_NONE, 0, "", 0},
        {"-MOVED 1 example.invalid:6379\r\n", REDIRECT_NONE, 0, "", 0},
        {"-MOVED -1 127.0.0.1:6379\r\n", REDIRECT_NONE, 0, "", 0},
        {"-MOVED\r\n", REDIRECT_NONE, 0, "", 0},
        {"-MOVEDX 1 127.0.0.1:6379\r\n", REDIRECT_NONE, 0, "", 0},
        {"-ERR no\r\n", REDIRECT_NONE, 0, "", 0},
        {"+MOVED 1 127.0.0.1:6379\r\n", REDIRECT_NONE, 0, "", 0},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        redisReply *r = read_resp(rows[i].resp);
        struct redis_host to = {0};
        uint32_t slot = 0;

        cr_expect_eq(reply_read_redirect(r, &self, &slot, &to), rows[i].how, "%s", rows[i].resp);
        if (rows[i].how != REDIRECT_NONE) {
            cr_expect_eq(slot, rows[i].slot);
            cr_expect_str_eq(to.host, rows[i].host);
            cr_expect_eq(to.port, rows[i].port);
        }
        freeReplyObject(r);
    }
}

static char told[512];

static void on_range(void *arg, uint32_t first, uint32_t last, const struct redis_host *master)
{
    size_t n = strlen(told);

    (void)arg;
    snprintf(told + n, sizeof(told) - n, "%u-%u@%s:%u ", first, last, master->host, master->port);
}

static bool read_slots(const char *resp)
{
    redisReply *r = read_resp(resp);
    bool good;

    told[0] = 0;
    good = reply_read_slots(r, &self, on_range, NULL);
    freeReplyObject(r);
    return good;
}

Test(redis_reply, slots)
{
    cr_expect(read_slots("*2\r\n*4\r\n:0\r\n:5460\r\n*3\r\n$9\r\n127.0.0.1\r\n:7001\r\n$2\r\nid\r\n"
                         "*3\r\n$9\r\n127.0.0.1\r\n:7004\r\n$2\r\nid\r\n"
                         "*3\r\n:5461\r\n:16383\r\n*2\r\n$0\r\n\r\n:7002\r\n"));
    cr_expect_str_eq(told, "0-5460@127.0.0.1:7001 5461-16383@127.0.0.1:7002 ");
    cr_expect(read_slots("*1\r\n*3\r\n:5\r\n:5\r\n*2\r\n$-1\r\n:7002\r\n"), "the node itself");
    cr_expect_str_eq(told, "5-5@127.0.0.1:7002 ");
    cr_expect(read_slots("*0\r\n"));
    static const char *const bads[] = {
        "-ERR This instance has cluster support disabled\r\n",
        ":1\r\n",
        "*1\r\n:1\r\n",
        "*1\r\n*2\r\n:0\r\n:1\r\n",
        "*1\r\n*3\r\n:1\r\n:0\r\n*2\r\n$0\r\n\r\n:7002\r\n",
        "*1\r\n*3\r\n:0\r\n:16384\r\n*2\r\n$0\r\n\r\n:7002\r\n",
        "*1\r\n*3\r\n:-1\r\n:1\r\n*2\r\n$0\r\n\r\n:7002\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$0\r\n\r\n:0\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$0\r\n\r\n:65536\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*1\r\n$0\r\n\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n$1\r\nx\r\n",
        "*1\r\n*3\r\n:0\r\n:1\r\n*2\r\n$3\r\nhop\r\n:7002\r\n",
    };
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++)
        cr_expect_not(read_slots(bads[i]), "took %s", bads[i]);
}

Test(redis_reply, masters)
{
    struct redis_host h;
    redisReply *r = read_resp("*2\r\n$9\r\n127.0.0.1\r\n$4\r\n6379\r\n");

    cr_expect(reply_read_host(r, &h));
    cr_expect_str_eq(h.host, "127.0.0.1");
    cr_expect_eq(h.port, 6379);
    cr_expect_not(reply_is_master(r));
    freeReplyObject(r);
    r = read_resp("*-1\r\n");
    cr_expect(reply_is_nil(r));
    freeReplyObject(r);
    r = read_resp("*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
    cr_expect(reply_is_master(r));
    cr_expect_not(reply_read_host(r, &h));
    freeReplyObject(r);
    r = read_resp("*2\r\n$6\r\nmaster\r\n$2\r\n-1\r\n");
    cr_expect_not(reply_read_host(r, &h));
    freeReplyObject(r);
    r = read_resp("*1\r\n$5\r\nslave\r\n");
    cr_expect_not(reply_is_master(r));
    freeReplyObject(r);
}

Test(redis_reply, slots_of_keys)
{
    static const struct {
        const char *key;
        uint32_t slot;
    } rows[] = {/* as CLUSTER KEYSLOT says */
                {"somekey", 11058},
                {"foo{hash_tag}", 2515},
                {"bar{hash_tag}", 2515},
                {"foo{}{bar}", 8363},
                {"foo{{bar}}zap", 4015},
                {"foo{bar}{zap}", 5061},
                {"123456789", 12739},
                {"", 0},
                {"{", 4092}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(redis_key_slot(slice_cstr(rows[i].key)), rows[i].slot, "%s: %u", rows[i].key,
                     redis_key_slot(slice_cstr(rows[i].key)));
}

Test(redis_reply, slots_of_commands)
{
    char text[256];
    uint32_t slot = 7;
    const struct slice call[] = {SLICE("FCALL"), SLICE("f"), SLICE("1"), SLICE("somekey"),
                                 SLICE("other")};
    const struct slice get[] = {SLICE("GET"), SLICE("somekey")};
    const struct slice none[] = {SLICE("FCALL"), SLICE("f"), SLICE("0"), SLICE("somekey")};
    const struct slice ping[] = {SLICE("PING")};
    size_t n = redis_format(text, sizeof(text), 5, call);

    cr_expect_eq(redis_slot_of(slice_of(text, n), &slot), OK);
    cr_expect_eq(slot, 11058);
    for (size_t cut = 0; cut < 50 && cut < n; cut++)
        redis_slot_of(slice_of(text, cut), &slot); /* never beyond its end (ASan) */
    n = redis_format(text, sizeof(text), 2, get);
    cr_expect_eq(redis_slot_of(slice_of(text, n), &slot), OK);
    cr_expect_eq(slot, 11058);
    n = redis_format(text, sizeof(text), 4, none);
    cr_expect_eq(redis_slot_of(slice_of(text, n), &slot), OK);
    cr_expect_eq(slot, 0);
    n = redis_format(text, sizeof(text), 1, ping);
    cr_expect_eq(redis_slot_of(slice_of(text, n), &slot), OK);
    cr_expect_eq(redis_slot_of(SLICE("PING\r\n"), &slot), ERR_INVALID);
    cr_expect_eq(redis_slot_of(SLICE("*2\r\n$3\r\nGET\r\n$99\r\nx\r\n"), &slot), ERR_INVALID);
}

Test(redis_reply, urls_of_sentinels_and_clusters)
{
    struct redis_target t;
    char error[REDIS_ERROR_MAX];

    cr_assert_eq(redis_parse_url(SLICE("redis-sentinel://u:p%40@127.0.0.1,[::1]:26380,localhost:5/"
                                       "my%20master/3?sentinel_password=s"),
                                 &t, error),
                 OK, "%s", error);
    cr_expect_eq(t.kind, REDIS_SENTINELS);
    cr_expect_eq(t.host_count, 3);
    cr_expect_eq(t.hosts[0].port, 26379);
    cr_expect_str_eq(t.hosts[1].host, "::1");
    cr_expect_eq(t.hosts[1].port, 26380);
    cr_expect_eq(t.hosts[2].port, 5);
    cr_expect_str_eq(t.master, "my master");
    cr_expect_str_eq(t.user, "u");
    cr_expect_str_eq(t.password, "p@");
    cr_expect_str_eq(t.sentinel_password, "s");
    cr_expect_eq(t.db, 3);
    cr_assert_eq(redis_parse_url(SLICE("redis-cluster://:x@127.0.0.1:7000,127.0.0.1"), &t, error),
                 OK, "%s", error);
    cr_expect_eq(t.kind, REDIS_CLUSTER);
    cr_expect_eq(t.host_count, 2);
    cr_expect_eq(t.hosts[1].port, 6379);
    cr_expect_str_eq(t.password, "x");
    static const char *const bads[] = {
        "redis-sentinel://127.0.0.1:26379",
        "redis-sentinel://127.0.0.1:26379/",
        "redis-sentinel:///peal",
        "redis-sentinel://127.0.0.1:26379/peal/x",
        "redis-sentinel://127.0.0.1/peal?x=1",
        "redis-sentinel://s.invalid/peal",
        "redis-cluster://",
        "redis-cluster://127.0.0.1/3",
        "redis-cluster://127.0.0.1,",
        "redis-cluster://127.0.0.1,,127.0.0.1",
        "redis-cluster://secret@host.invalid:1",
        "redis-other://127.0.0.1",
    };
    for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
        bool trailing = i == 8; /* a comma at the end is forgiven */
        cr_expect_eq(redis_parse_url(slice_cstr(bads[i]), &t, error), trailing ? OK : ERR_INVALID,
                     "%s", bads[i]);
        cr_expect_null(strstr(error, "secret"), "%s", error);
    }
    cr_expect_eq(redis_parse_url(SLICE("rediss://127.0.0.1"), &t, error), ERR_INVALID);
    cr_expect_not_null(strstr(error, "stunnel"), "%s", error);
}
