/* The API on its thread, asked by many at once from others, and closed while they still ask: what
 * is answered is whole, every lead is taken once, and who was too late is told or closed. Under
 * TSan, too. */
#include <assert.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"

#define ASKERS 4
#define ROUNDS 25

static const char yaml[] = "name: spring\n"
                           "country: us\n"
                           "zone: America/New_York\n"
                           "windows: any\n"
                           "trunks: [{ name: carrier, address: 127.0.0.1:9 }]\n"
                           "pacing: { mode: agentless, concurrent: 3 }\n";

static char folder[] = "/tmp/peal-api-XXXXXX";
static struct addr at;
static _Atomic uint32_t answered, late;
static _Thread_local char said[200]; /* the beginning of the last answer */

/* The status; 0: closed without a word. Answers are whole: they end where their head says. */
static int ask(const char *request)
{
    char text[65536];
    size_t len = 0;
    ssize_t n;
    int fd = socket(at.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert(fd >= 0);
    if (connect(fd, &at.sa, addr_len(&at)) != 0 ||
        send(fd, request, strlen(request), MSG_NOSIGNAL) < 0) {
        close(fd);
        return 0;
    }
    while ((n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0) {
        len += (size_t)n;
        text[len] = '\0';
        const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");
        if (end && length && strlen(end + 4) == strtoul(length + 16, NULL, 10)) {
            int status = atoi(text + 9);

            close(fd);
            snprintf(said, sizeof(said), "%.199s", end + 4);
            return status;
        }
    }
    close(fd);
    return 0;
}

static void ask_all(int who, int round, const char *only)
{
    char lead[128], request[512];
    int n = snprintf(lead, sizeof(lead), "{\"id\":\"L%d-%d\",\"number\":\"+120255501%02d\"}", who,
                     round, round);
    const char *const all[] = {request, "GET /v1/campaigns/spring/status HTTP/1.0\r\n\r\n",
                               "GET /v1/api HTTP/1.0\r\n\r\n", "GET /nowhere HTTP/1.0\r\n\r\n"};
    static const int expected[] = {200, 200, 200, 404};

    snprintf(request, sizeof(request),
             "POST /v1/campaigns/spring/leads HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s", n, lead);
    for (int i = 0; i < 4; i++) {
        int status = ask(all[i]);

        if (status == expected[i]) {
            atomic_fetch_add(&answered, 1);
        } else {
            if (!only || (status != 503 && status != 0)) {
                fprintf(stderr, "%d instead of %d: %s: %s\n", status, expected[i], all[i], said);
                abort();
            }
            atomic_fetch_add(&late, 1);
        }
    }
}

static void *asker(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        ask_all(*(int *)arg, i, NULL);
    return NULL;
}

/* Asks, and leaves without waiting for the answer. */
static void *leaver(void *arg)
{
    static const char request[] = "GET /v1/campaigns/spring/status HTTP/1.0\r\n\r\n";

    (void)arg;
    for (int i = 0; i < 100; i++) {
        int fd = socket(at.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert(fd >= 0);
        if (connect(fd, &at.sa, addr_len(&at)) == 0)
            send(fd, request, strlen(request), MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

/* Until nobody is there any more. */
static void *latecomer(void *arg)
{
    for (int i = 0; i < 1000 && atomic_load(&late) == 0; i++)
        ask_all(*(int *)arg, i % 100, "until it ends");
    return NULL;
}

static void run(void *(*of)(void *), pthread_t *thread, int *number)
{
    for (int i = 0; i < ASKERS; i++) {
        number[i] = i;
        assert(pthread_create(&thread[i], NULL, of, &number[i]) == 0);
    }
}

static struct api *open_api(const struct redis_server *server)
{
    struct api_config *config = calloc(1, sizeof(*config));
    char error[API_ERROR_MAX] = "";
    struct api *a;

    config->address = "127.0.0.1:0";
    config->redis_url = redis_server_url(server);
    config->campaign_count = 1;
    strcpy(config->campaign[0].name, "spring");
    strcpy(config->campaign[0].data_dir, folder);
    snprintf(config->campaign[0].path, sizeof(config->campaign[0].path), "%s/spring.yaml", folder);
    FILE *f = fopen(config->campaign[0].path, "w");
    fputs(yaml, f);
    fclose(f);
    if (api_open(&a, config, error) != OK) {
        fprintf(stderr, "%s\n", error);
        abort();
    }
    free(config);
    assert(addr_parse(slice_cstr(api_listen(a)), 0, &at) == OK);
    assert(api_start(a) == OK);
    return a;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st, (void)kind, (void)ftw;
    return remove(path);
}

int main(void)
{
    char error[REDIS_SERVER_ERROR_MAX] = "";
    struct redis_server *server;
    pthread_t thread[ASKERS];
    int number[ASKERS];

    assert(mkdtemp(folder));
    if (redis_server_open_volatile(&server, folder, error) != OK) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    struct api *a = open_api(server);

    run(asker, thread, number);
    for (int i = 0; i < ASKERS; i++)
        pthread_join(thread[i], NULL);
    assert(atomic_load(&answered) == ASKERS * ROUNDS * 4);

    run(leaver, thread, number);
    for (int i = 0; i < ASKERS; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < 20000 && ask("GET /v1/api HTTP/1.0\r\n\r\n") != 200; i++)
        usleep(1000);
    ask_all(ASKERS, 0, NULL);
    atomic_store(&answered, 0);

    run(latecomer, thread, number);
    while (atomic_load(&answered) < 20)
        usleep(1000);
    api_close(a);
    for (int i = 0; i < ASKERS; i++)
        pthread_join(thread[i], NULL);
    assert(atomic_load(&late) > 0);

    /* It is opened again where it was, and ended without having been started. */
    a = open_api(server);
    assert(ask("GET /v1/campaigns/spring/leads/L3-24 HTTP/1.0\r\n\r\n") == 200);
    api_close(a);
    redis_server_close(server);
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    printf("%u answered, %u too late\n", atomic_load(&answered), atomic_load(&late));
    return 0;
}
