/* The ng protocol: "COOKIE DICTIONARY" in one datagram each way, the dictionary bencoded (length
 * and colon before each string). Only what is needed of it. */
#include "bench/media_rtpengine.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NG_BYTES  4096
#define ANSWER_MS 3000
#define START_MS  10000
#define SDP_BYTES 512
#define PROGRAM   "rtpengine"

bool rtpengine_installed(void)
{
    char path[256];

    return bench_find(PROGRAM, path, sizeof(path)) ||
           bench_find("/usr/sbin/" PROGRAM, path, sizeof(path));
}

/* Asks and waits for the answer to this cookie; its text, or NULL. */
static const char *ask(struct rtpengine *r, const char *dictionary, char *answer, int limit_ms)
{
    char text[NG_BYTES];
    int n = snprintf(text, sizeof(text), "%u %s", ++r->cookie, dictionary);
    char cookie[16];
    int cookie_len = snprintf(cookie, sizeof(cookie), "%u ", r->cookie);

    if (n < 0 || (size_t)n >= sizeof(text) || send(r->control, text, (size_t)n, 0) < 0)
        return NULL;
    uint64_t until_us = bench_now_us() + (uint64_t)limit_ms * 1000;

    while (bench_now_us() < until_us) {
        struct pollfd p = {.fd = r->control, .events = POLLIN};
        ssize_t got;

        if (poll(&p, 1, limit_ms) <= 0 || (got = recv(r->control, answer, NG_BYTES - 1, 0)) <= 0)
            return NULL;
        answer[got] = '\0';
        if (strncmp(answer, cookie, (size_t)cookie_len) == 0)
            return answer + cookie_len;
    }
    return NULL;
}

bool rtpengine_start(struct rtpengine *r, int core)
{
    char ng[32], min[32], max[32], answer[NG_BYTES];
    uint16_t port = bench_free_port();
    struct addr to;
    uint64_t until_us = bench_now_us() + START_MS * UINT64_C(1000);

    memset(r, 0, sizeof(*r));
    snprintf(ng, sizeof(ng), "--listen-ng=127.0.0.1:%u", port);
    snprintf(min, sizeof(min), "--port-min=%u", RTPENGINE_PORTS);
    snprintf(max, sizeof(max), "--port-max=%u", 59999);
    const char *const argv[] = {PROGRAM,
                                "--foreground",
                                "--log-stderr",
                                "--log-level=2",
                                "--table=-1",
                                "--num-threads=1",
                                ng,
                                min,
                                max,
                                "--interface=127.0.0.1",
                                "--delete-delay=0",
                                "--config-file=none", "--scheduling=rr", "--priority=1",
                                NULL};

    r->control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    addr_from_host(slice_cstr("127.0.0.1"), port, &to);
    if (r->control < 0 || connect(r->control, &to.sa, addr_len(&to)) != 0 ||
        !bench_child_start(&r->child, argv, NULL, core))
        return false;
    while (bench_now_us() < until_us && bench_child_running(&r->child)) {
        const char *said = ask(r, "d7:command4:pinge", answer, 200);

        if (said && strstr(said, "4:pong"))
            return true;
        usleep(50000);
    }
    bench_note("media: rtpengine does not answer");
    return false;
}

static int write_sdp(char *sdp, const struct addr *a)
{
    return snprintf(sdp, SDP_BYTES,
                    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                    "m=audio %u RTP/AVP 0\r\na=rtcp-mux\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n",
                    addr_port(a));
}

/* One half of the exchange: *out gets the port of the description that comes back. */
static bool exchange(struct rtpengine *r, const char *command, uint32_t number, bool answers,
                     const struct addr *a, struct addr *out)
{
    char sdp[SDP_BYTES], id[24], text[NG_BYTES], answer[NG_BYTES];
    int sdp_len = write_sdp(sdp, a), id_len = snprintf(id, sizeof(id), "bench-%u", number);

    snprintf(text, sizeof(text), "d7:command%zu:%s7:call-id%d:%s8:from-tag1:a%s3:sdp%d:%se",
             strlen(command), command, id_len, id, answers ? "6:to-tag1:b" : "", sdp_len, sdp);
    const char *said = ask(r, text, answer, ANSWER_MS);
    const char *line = said && strstr(said, "6:result2:ok") ? strstr(said, "m=audio ") : NULL;

    if (!line) {
        bench_note("media: rtpengine refuses: %.200s", said ? said : "no answer");
        return false;
    }
    addr_from_host(slice_cstr("127.0.0.1"), (uint16_t)strtoul(line + 8, NULL, 10), out);
    return true;
}

bool rtpengine_pair(struct rtpengine *r, uint32_t number, const struct addr *a,
                    const struct addr *b, struct addr *from_a, struct addr *from_b)
{
    return exchange(r, "offer", number, false, a, from_b) &&
           exchange(r, "answer", number, true, b, from_a);
}

uint64_t rtpengine_cpu_us(const struct rtpengine *r)
{
    char path[64], text[1024];
    unsigned long user = 0, system = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", (int)r->child.pid);
    FILE *f = fopen(path, "re");
    size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

    if (f)
        fclose(f);
    text[n] = '\0';
    const char *after = strrchr(text, ')');

    if (!after ||
        sscanf(after, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return 0;
    return (uint64_t)(user + system) * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK);
}

void rtpengine_stop(struct rtpengine *r)
{
    struct bench_result result;

    if (r->child.pid) {
        bench_child_stop(&r->child, &result);
        bench_result_free(&result);
    }
    if (r->control > 0)
        close(r->control);
}
