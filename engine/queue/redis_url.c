/* What a Redis URL says, and commands as RESP. */
#include <arpa/inet.h>
#include <stdio.h>

#include "base/buf.h"
#include "queue/redis.h"

#define PORT_DEFAULT  6379
#define PORT_SENTINEL 26379
#define DB_MAX        65535

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* RFC 3986 section 2.1; a NUL byte cannot be meant. */
static enum err unescape(struct slice s, char *dst, size_t cap)
{
    size_t n = 0;

    for (uint32_t i = 0; i < s.len; i++) {
        char c = s.p[i];

        if (c == '%') {
            int high = i + 2 < s.len ? hex_digit(s.p[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(s.p[i + 2]) : -1;

            if (low < 0)
                return ERR_INVALID;
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (c == 0)
            return ERR_INVALID;
        if (n + 1 >= cap)
            return ERR_TOO_LONG;
        dst[n++] = c;
    }
    dst[n] = 0;
    return OK;
}

/* What may be shown of a URL: neither the login nor what follows the ?. */
static struct slice shown(struct slice url, const char **hidden)
{
    int32_t login = slice_find(url, '@'), query = slice_find(url, '?');
    struct slice s = slice_of(url.p, url.len > 80 ? 80 : url.len);

    if (login >= 0 && slice_starts(url, SLICE("redis")))
        s.len = (uint32_t)slice_find(url, ':') + 1;
    else if (query >= 0 && (uint32_t)query < s.len)
        s.len = (uint32_t)query;
    *hidden = s.len < url.len ? "…" : "";
    return s;
}

static enum err said(char *error, const char *what, struct slice url)
{
    const char *hidden;
    struct slice s = shown(url, &hidden);

    snprintf(error, REDIS_ERROR_MAX,
             "Redis URL \"%.*s%s\": %s; write unix:/path/redis.sock, redis://127.0.0.1:6379/0, "
             "redis-sentinel://HOST:PORT,.../MASTER or redis-cluster://HOST:PORT,...",
             SLICE_ARG(s), hidden, what);
    return ERR_INVALID;
}

static enum err parse_db(struct slice text, uint32_t *db)
{
    uint64_t n;

    if (slice_u64(text, DB_MAX, &n))
        return ERR_INVALID;
    *db = (uint32_t)n;
    return OK;
}

static enum err parse_unix(struct slice rest, struct redis_target *out, struct slice url,
                           char *error)
{
    struct slice path, query, one, key, value;

    if (slice_starts(rest, SLICE("//")))
        rest = slice_from(rest, 2);
    slice_cut(rest, '?', &path, &query);
    out->is_unix = true;
    if (path.len == 0 || path.p[0] != '/')
        return said(error, "the path of the socket must start with /", url);
    if (unescape(path, out->path, sizeof(out->path)))
        return said(error, "the path of the socket is malformed or longer than 107 bytes", url);
    while (query.len) {
        slice_cut(query, '&', &one, &query);
        slice_cut(one, '=', &key, &value);
        if (slice_eq(key, SLICE("db"))) {
            if (parse_db(value, &out->db))
                return said(error, "db must be a number", url);
        } else if (slice_eq(key, SLICE("password"))) {
            if (unescape(value, out->password, sizeof(out->password)))
                return said(error, "the password is malformed or too long", url);
        } else {
            return said(error, "only db= and password= are known after the ?", url);
        }
    }
    return OK;
}

static enum err parse_host(struct slice text, struct redis_target *out)
{
    struct slice host = text, port = SLICE_NONE;
    unsigned char binary[16];
    uint64_t n;

    if (text.len && text.p[0] == '[') {
        int32_t end = slice_find(text, ']');

        if (end < 0)
            return ERR_INVALID;
        host = slice_of(text.p + 1, (uint32_t)end - 1);
        port = slice_from(text, (uint32_t)end + 1);
        if (port.len && port.p[0] != ':')
            return ERR_INVALID;
        port = slice_from(port, 1);
    } else if (slice_cut(text, ':', &host, &port) && port.len == 0) {
        return ERR_INVALID;
    }
    if (slice_eq(host, SLICE("localhost")))
        host = SLICE("127.0.0.1");
    if (slice_copy(host, out->host, sizeof(out->host)) || memchr(host.p, 0, host.len))
        return ERR_INVALID;
    if (inet_pton(AF_INET, out->host, binary) != 1 && inet_pton(AF_INET6, out->host, binary) != 1)
        return ERR_INVALID;
    if (port.len && (slice_u64(port, UINT16_MAX, &n) || n == 0))
        return ERR_INVALID;
    out->port = port.len ? (uint16_t)n : PORT_DEFAULT;
    return OK;
}

/* "host:port,host:port" */
static bool parse_hosts(struct slice text, uint16_t port, struct redis_target *out)
{
    struct slice one;

    while (text.len) {
        struct redis_target host = {0};

        slice_cut(text, ',', &one, &text);
        if (out->host_count == REDIS_HOSTS_MAX || parse_host(one, &host))
            return false;
        struct redis_host *to = &out->hosts[out->host_count++];
        memcpy(to->host, host.host, sizeof(to->host));
        bool given = one.p[one.len - 1] != ']' && slice_find(one, ':') >= 0;
        to->port = given ? host.port : port;
    }
    return out->host_count > 0;
}

static enum err parse_sentinels(struct slice hosts, struct slice path, struct redis_target *out,
                                struct slice url, char *error)
{
    struct slice master, db, query, key, value;

    out->kind = REDIS_SENTINELS;
    if (!parse_hosts(hosts, PORT_SENTINEL, out))
        return said(error, "sentinels are numeric addresses with ports (no DNS), 16 at most", url);
    slice_cut(path, '?', &path, &query);
    slice_cut(path, '/', &master, &db);
    if (!master.len || unescape(master, out->master, sizeof(out->master)))
        return said(error, "the name that the sentinels give the master is missing", url);
    if (db.len && parse_db(db, &out->db))
        return said(error, "the database must be a number", url);
    if (query.len &&
        (!slice_cut(query, '=', &key, &value) || !slice_eq(key, SLICE("sentinel_password")) ||
         unescape(value, out->sentinel_password, sizeof(out->sentinel_password))))
        return said(error, "only sentinel_password= is known after the ?", url);
    return OK;
}

static enum err parse_cluster(struct slice hosts, struct slice path, struct redis_target *out,
                              struct slice url, char *error)
{
    out->kind = REDIS_CLUSTER;
    if (!parse_hosts(hosts, PORT_DEFAULT, out))
        return said(error, "nodes are numeric addresses with ports (no DNS), 16 at most", url);
    if (path.len && !slice_eq(path, SLICE("0")))
        return said(error, "a cluster has one database", url);
    return OK;
}

static enum err parse_single(struct slice host, struct slice db, struct redis_target *out,
                             struct slice url, char *error)
{
    if (parse_host(host, out))
        return said(error, "host must be a numeric address and port a number (no DNS)", url);
    if (db.len && parse_db(db, &out->db))
        return said(error, "the database must be a number", url);
    return OK;
}

/* "user:password@" off the head of rest. */
static enum err parse_login(struct slice *rest, struct redis_target *out)
{
    struct slice login = SLICE_NONE, user, password;

    for (uint32_t i = 0; i < rest->len && rest->p[i] != '/'; i++)
        if (rest->p[i] == '@') /* the last @ before the path: a password may hold one */
            login = slice_of(rest->p, i);
    if (!login.p)
        return OK;
    *rest = slice_from(*rest, login.len + 1);
    slice_cut(login, ':', &user, &password);
    if (unescape(user, out->user, sizeof(out->user)) ||
        unescape(password, out->password, sizeof(out->password)))
        return ERR_INVALID;
    return OK;
}

enum err redis_parse_url(struct slice url, struct redis_target *out, char *error)
{
    static const char tls[] =
        "TLS cannot be had with the packaged hiredis 0.14; let stunnel or the "
        "like carry it and name its port on this machine";
    struct slice scheme, rest, hosts, path;
    int32_t colon = slice_find(url, ':');

    memset(out, 0, sizeof(*out));
    error[0] = 0;
    scheme = slice_of(url.p, colon > 0 ? (size_t)colon : 0);
    rest = slice_from(url, scheme.len + 1);
    if (slice_eq(scheme, SLICE("unix")))
        return parse_unix(rest, out, url, error);
    if (slice_istarts(scheme, SLICE("rediss")))
        return said(error, tls, url);
    if (!slice_starts(rest, SLICE("//")))
        return said(error, "unknown kind", url);
    rest = slice_from(rest, 2);
    if (parse_login(&rest, out))
        return said(error, "user or password is malformed or too long", url);
    slice_cut(rest, '/', &hosts, &path);
    if (slice_eq(scheme, SLICE("redis")))
        return parse_single(hosts, path, out, url, error);
    if (slice_eq(scheme, SLICE("redis-sentinel")))
        return parse_sentinels(hosts, path, out, url, error);
    if (slice_eq(scheme, SLICE("redis-cluster")))
        return parse_cluster(hosts, path, out, url, error);
    return said(error, "unknown kind", url);
}

size_t redis_format(char *dst, size_t cap, uint32_t argc, const struct slice *argv)
{
    struct buf b = buf_on(dst, cap);
    size_t needed = 0;
    char number[24];

    needed += (size_t)snprintf(number, sizeof(number), "*%u\r\n", argc);
    buf_puts(&b, number);
    for (uint32_t i = 0; i < argc; i++) {
        needed += (size_t)snprintf(number, sizeof(number), "$%u\r\n", argv[i].len);
        needed += argv[i].len + 2u;
        buf_puts(&b, number);
        buf_put(&b, argv[i]);
        buf_puts(&b, "\r\n");
    }
    return needed;
}
