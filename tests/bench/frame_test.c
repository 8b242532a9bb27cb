/* The frame of peal-bench. Its sources are taken in whole, for what they keep to themselves. */
#include <criterion/criterion.h>
#include <math.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "bench/bench.c"
#include "bench/child.c"
#include "bench/cores.c"
#include "bench/mallocs.c"

static struct bench b;

static const char *json_of(void)
{
    static char text[1 << 16];
    FILE *f = fmemopen(text, sizeof(text), "w");

    cr_assert(bench_write_json(&b, f));
    fclose(f);
    return text;
}

Test(rows, json_has_the_agreed_keys)
{
    bench_add(&b, "sip", "parse \"INVITE\"", 1.5, "us", BENCH_LOWER);
    bench_add_peer(&b, "sip", "calls", 300, "calls/s", BENCH_HIGHER, "sipp", 200);
    bench_add_missing(&b, "sip", "calls", 300, "calls/s", BENCH_HIGHER, "sipp");
    cr_assert_str_eq(
        json_of(),
        "[\n"
        "  {\"bench\":\"sip\",\"case\":\"parse \\\"INVITE\\\"\",\"value\":1.5,\"unit\":\"us\","
        "\"better\":\"lower\",\"peer\":null,\"peer_value\":null,\"ratio\":null},\n"
        "  {\"bench\":\"sip\",\"case\":\"calls\",\"value\":300,\"unit\":\"calls/s\","
        "\"better\":\"higher\",\"peer\":\"sipp\",\"peer_value\":200,\"ratio\":1.5},\n"
        "  {\"bench\":\"sip\",\"case\":\"calls\",\"value\":300,\"unit\":\"calls/s\","
        "\"better\":\"higher\",\"peer\":\"sipp\",\"peer_value\":null,\"ratio\":null}\n"
        "]\n");
}

Test(rows, none_is_an_empty_array)
{
    cr_assert_str_eq(json_of(), "[\n]\n");
}

Test(rows, a_peer_of_zero_has_no_ratio)
{
    bench_add_peer(&b, "x", "y", 1, "u", BENCH_HIGHER, "p", 0);
    cr_assert_not_null(strstr(json_of(), "\"peer_value\":0,\"ratio\":null"));
}

Test(rows, too_many_fail_the_run)
{
    b.rows = BENCH_ROWS_MAX - 1;
    bench_add(&b, "x", "y", 1, "u", BENCH_HIGHER);
    cr_assert_eq(b.failures, 0);
    bench_add(&b, "x", "y", 2, "u", BENCH_HIGHER);
    cr_assert_eq(b.rows, BENCH_ROWS_MAX);
    cr_assert_eq(b.failures, 1);
}

Test(rows, a_full_disk_is_noticed)
{
    FILE *f = fopen("/dev/full", "w");

    bench_add(&b, "x", "y", 1, "u", BENCH_HIGHER);
    cr_assert_not(bench_write_json(&b, f));
    fclose(f);
}

static void *allocate(void *arg)
{
    void *p = malloc(10);

    bench_keep((uintptr_t)p);
    free(p);
    return arg;
}

Test(mallocs, are_counted_between_start_and_stop)
{
    struct bench_mallocs m;
    void *p;

    if (!bench_mallocs_counted())
        return; /* a sanitizer's build: mallocs.are_not_counted_with_sanitizers */
    bench_mallocs_start(true);
    p = realloc(malloc(100), 200);
    bench_keep((uintptr_t)p);
    m = bench_mallocs_stop();
    free(p);
    cr_assert_eq(m.calls, 2);
    cr_assert_eq(m.bytes, 300);
    p = malloc(5);
    bench_keep((uintptr_t)p);
    free(p);
    bench_mallocs_start(true);
    cr_assert_eq(bench_mallocs_stop().calls, 0);
}

Test(mallocs, of_one_thread_or_of_all)
{
    pthread_t t;
    struct bench_mallocs one, all;

    if (!bench_mallocs_counted())
        return;
    for (int k = 0; k < 3; k++) { /* the first makes the stack that the others reuse */
        bench_mallocs_start(k < 2);
        pthread_create(&t, NULL, allocate, NULL);
        pthread_join(t, NULL);
        *(k == 2 ? &all : &one) = bench_mallocs_stop();
    }
    cr_assert_eq(one.calls, 0);
    cr_assert_eq(all.calls, 1);
    cr_assert_eq(all.bytes, 10);
}

Test(mallocs, are_not_counted_with_sanitizers)
{
    struct bench_mallocs m;
    void *p;

    if (bench_mallocs_counted())
        return;
    bench_mallocs_start(false);
    p = malloc(100);
    bench_keep((uintptr_t)p);
    free(p);
    m = bench_mallocs_stop();
    cr_assert_eq(m.calls + m.bytes, 0);
}

Test(mallocs, aligned_memory_is_aligned)
{
    void *p = NULL;

    cr_assert_eq(posix_memalign(&p, 256, 10), 0);
    cr_assert_eq((uintptr_t)p % 256, 0);
    free(p);
    p = aligned_alloc(64, 128);
    cr_assert_eq((uintptr_t)p % 64, 0);
    free(p);
}

Test(cores, pinning_is_to_one_core_and_back)
{
    uint32_t cores = bench_cores();
    cpu_set_t now;

    for (uint32_t i = 0; i <= cores; i++) {
        cr_assert(bench_pin(i));
        sched_getaffinity(0, sizeof(now), &now);
        cr_assert_eq(CPU_COUNT(&now), 1);
        cr_assert_eq(bench_cores(), cores, "what was given does not change by pinning");
    }
    bench_unpin();
    sched_getaffinity(0, sizeof(now), &now);
    cr_assert_eq(CPU_COUNT(&now), (int)cores);
}

Test(cores, cpu_time_is_of_the_thread)
{
    uint64_t wall = bench_now_us(), cpu = bench_thread_cpu_us();

    while (bench_thread_cpu_us() - cpu < 20000)
        bench_keep(wall);
    cr_assert_geq(bench_now_us() - wall, 20000);
    cr_assert_geq(bench_thread_cpu_us_of(pthread_self()) - cpu, 20000);
    cpu = bench_thread_cpu_us();
    nanosleep(&(struct timespec){0, 50000000}, NULL);
    cr_assert_leq(bench_thread_cpu_us() - cpu, 25000, "sleeping costs no CPU time");
}

Test(cores, a_free_port_can_be_bound)
{
    uint16_t port = bench_free_port();

    cr_assert_neq(port, 0);
    cr_assert(binds(SOCK_DGRAM, &port));
}

static void run(const char *script, double limit_s, struct bench_result *r)
{
    struct bench_child c;
    const char *const argv[] = {"sh", "-c", script, NULL};

    cr_assert(bench_child_start(&c, argv, NULL, -1));
    bench_child_wait(&c, limit_s, r);
    cr_assert_eq(c.pid, 0);
}

Test(child, output_and_exit_code)
{
    struct bench_result r;

    run("echo out; echo err >&2; cat; exit 7", 20, &r);
    cr_assert(r.ended);
    cr_assert_eq(r.exit_code, 7);
    cr_assert_eq(r.signal, 0);
    cr_assert_str_eq(r.output, "out\nerr\n");
    bench_result_free(&r);
}

Test(child, only_the_end_of_a_long_output_is_kept)
{
    struct bench_result r;

    run("yes 0123456 | head -c 3000000; echo last", 60, &r);
    cr_assert_eq(r.output_len, BENCH_OUTPUT_MAX);
    cr_assert_str_eq(r.output + r.output_len - 5, "last\n");
    bench_result_free(&r);
}

Test(child, a_limit_ends_it)
{
    struct bench_result r;

    run("echo begun; sleep 60", 0.3, &r);
    cr_assert_not(r.ended);
    cr_assert_eq(r.signal, SIGTERM);
    cr_assert_leq(r.wall_s, 30);
    bench_result_free(&r);
}

Test(child, one_that_ignores_a_request_is_killed_with_its_own_children)
{
    struct bench_result r;
    pid_t grandchild = 0;

    run("trap '' TERM; sh -c \"trap '' TERM; echo \\$\\$; sleep 60 & wait; sleep 60\"", 1, &r);
    cr_assert_not(r.ended);
    cr_assert_eq(r.signal, SIGKILL);
    cr_assert_eq(sscanf(r.output, "%d", &grandchild), 1);
    /* Killed, perhaps not yet reaped by whoever inherited it. */
    for (int i = 0; i < 1000 && kill(grandchild, 0) == 0; i++) {
        char path[64], state = 0;
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/stat", grandchild);
        f = fopen(path, "r");
        if (!f)
            break;
        if (fscanf(f, "%*d %*s %c", &state) != 1)
            state = 0;
        fclose(f);
        if (state == 'Z' || state == 'X' || state == 0)
            break;
        cr_assert_lt(i, 999, "process %d still runs", grandchild);
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    }
    bench_result_free(&r);
}

Test(child, cpu_time_and_running)
{
    struct bench_child c;
    struct bench_result r;
    const char *const argv[] = {
        "sh", "-c", "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done; kill -STOP $$", NULL};

    cr_assert(bench_child_start(&c, argv, NULL, 0));
    cr_assert(bench_child_running(&c));
    bench_child_wait(&c, 2, &r); /* it stops itself: only the limit ends it */
    cr_assert_not(r.ended);
    cr_assert_gt(r.cpu_s, 0.001);
    bench_result_free(&r);
}

Test(child, what_is_not_there_is_said)
{
    struct bench_child c;
    const char *const none[] = {"no-such-program-here", NULL};
    const char *const sh[] = {"sh", NULL};

    cr_assert_not(bench_child_start(&c, none, NULL, -1));
    cr_assert_not(bench_child_start(&c, sh, "/no/such/folder", -1));
    cr_assert_eq(c.pid, 0);
    cr_assert_not(bench_child_running(&c));
}

Test(child, programs_are_found_in_the_path)
{
    char path[256];

    cr_assert(bench_find("sh", path, sizeof(path)));
    cr_assert_eq(path[0], '/');
    cr_assert(bench_find("/bin/sh", path, sizeof(path)));
    cr_assert_str_eq(path, "/bin/sh");
    cr_assert_not(bench_find("no-such-program-here", path, sizeof(path)));
    cr_assert_not(bench_find("sh", path, 3));
}
