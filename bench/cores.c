/* Time and cores. The cores this process may use are read once, before anything is pinned: "the
 * first core" is then the same one for the benchmark, its peer and its children. */
#include "bench/bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "bench/cores.h"

static cpu_set_t given;
static pthread_once_t given_once = PTHREAD_ONCE_INIT;

static void read_given(void)
{
    if (sched_getaffinity(0, sizeof(given), &given) != 0 || CPU_COUNT(&given) == 0)
        CPU_SET(0, &given);
}

uint32_t bench_cores(void)
{
    pthread_once(&given_once, read_given);
    return (uint32_t)CPU_COUNT(&given);
}

cpu_set_t bench_core_set(int nth)
{
    uint32_t left = nth < 0 ? 0 : (uint32_t)nth % bench_cores();
    cpu_set_t one;

    pthread_once(&given_once, read_given);
    if (nth < 0)
        return given;
    CPU_ZERO(&one);
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &given) && left-- == 0) {
            CPU_SET(cpu, &one);
            break;
        }
    }
    return one;
}

bool bench_pin(uint32_t nth)
{
    cpu_set_t one = bench_core_set((int)(nth % bench_cores()));

    return sched_setaffinity(0, sizeof(one), &one) == 0;
}

void bench_unpin(void)
{
    cpu_set_t all = bench_core_set(-1);

    sched_setaffinity(0, sizeof(all), &all);
}

static uint64_t read_us(clockid_t id)
{
    struct timespec t;

    if (clock_gettime(id, &t) != 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t bench_now_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

uint64_t bench_thread_cpu_us(void)
{
    return read_us(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t bench_thread_cpu_us_of(pthread_t t)
{
    clockid_t id;

    return pthread_getcpuclockid(t, &id) == 0 ? read_us(id) : 0;
}

static bool binds(int type, uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    bool ok;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ok = fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 &&
         getsockname(fd, (struct sockaddr *)&a, &len) == 0;
    if (ok)
        *port = ntohs(a.sin_port);
    if (fd >= 0)
        close(fd);
    return ok;
}

uint16_t bench_free_port(void)
{
    for (int tries = 0; tries < 64; tries++) {
        uint16_t port = 0;

        if (binds(SOCK_DGRAM, &port) && binds(SOCK_STREAM, &port))
            return port;
    }
    return 0;
}
