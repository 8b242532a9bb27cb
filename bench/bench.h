/* The frame of peal-bench: rows of figures, each beside its peer measured in the same run, and what
 * every benchmark needs to measure fairly: pinned cores, CPU time, counted allocations, children.
 *
 * A benchmark is a function `int bench_NAME(struct bench *b)` in bench/NAME_bench.c, listed in the
 * table of bench/main.c. It adds rows and returns 0; when something that must hold did not (a lost
 * call, a peer that failed), it says so by bench_fail() and the program ends with 1.
 * Main thread only, where not said otherwise. */
#ifndef PEAL_BENCH_BENCH_H
#define PEAL_BENCH_BENCH_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define BENCH_ROWS_MAX   4096
#define BENCH_TEXT_MAX   96
#define BENCH_OUTPUT_MAX (1u << 20) /* bytes kept of a child's output: its end */

enum bench_better { BENCH_HIGHER, BENCH_LOWER };

struct bench_row {
    char bench[BENCH_TEXT_MAX], name[BENCH_TEXT_MAX], unit[BENCH_TEXT_MAX], peer[BENCH_TEXT_MAX];
    double value, peer_value;
    enum bench_better better;
    bool has_peer;       /* peer is named */
    bool has_peer_value; /* false with has_peer: the peer is missing on this machine */
};

#define BENCH_OPTIONS_MAX 8
struct bench_option {
    const char *name, *value;
};

struct bench {
    double seconds; /* how long each measured case lasts, at the least */
    struct bench_row row[BENCH_ROWS_MAX];
    uint32_t rows;
    uint32_t failures;
    struct bench_option option[BENCH_OPTIONS_MAX]; /* of this benchmark, as given */
    uint32_t options;
};

/* The value of an option that the benchmark's line in main.c names: NULL when it was not given, ""
 * for one without a value. */
const char *bench_option(const struct bench *b, const char *name);

/* Rows. `bench` is the sub-command ("sip"), `name` the case ("parse INVITE"), unit as "calls/s",
 * "us", "bytes". Each row is also printed when it is added. */
void bench_add(struct bench *b, const char *bench, const char *name, double value, const char *unit,
               enum bench_better better);
/* With a peer measured in this run by the same way; ratio = value / peer_value. */
void bench_add_peer(struct bench *b, const char *bench, const char *name, double value,
                    const char *unit, enum bench_better better, const char *peer,
                    double peer_value);
/* The peer's program is not on this machine: the row names it, its value and ratio are null. */
void bench_add_missing(struct bench *b, const char *bench, const char *name, double value,
                       const char *unit, enum bench_better better, const char *peer);

/* What is going on, for the person who waits (stderr, "sip: …"). */
void bench_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A requirement that did not hold; the run ends with exit code 1 after all rows are written. */
void bench_fail(struct bench *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Allocations (malloc, calloc, realloc, aligned ones), counted between start and stop in all
 * threads or only in the calling one. In sanitizer builds nothing is counted and
 * bench_mallocs_counted() is false. Any thread; one measurement at a time. */
struct bench_mallocs {
    uint64_t calls, bytes;
};
bool bench_mallocs_counted(void);
void bench_mallocs_start(bool this_thread_only);
struct bench_mallocs bench_mallocs_stop(void);

/* Time and cores. Any thread. */
uint64_t bench_now_us(void);                  /* monotonic */
uint64_t bench_thread_cpu_us(void);           /* CPU time of the calling thread */
uint64_t bench_thread_cpu_us_of(pthread_t t); /* of a thread that still runs; 0 when unknown */
uint32_t bench_cores(void);                   /* cores this process was given when it started */
/* Pins the calling thread to the nth of those (modulo their number). False when refused. */
bool bench_pin(uint32_t nth);
void bench_unpin(void); /* back to all of them */

/* Keeps the compiler from removing the computation of a value. */
static inline void bench_keep(uint64_t value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

/* A program's path in $PATH; false when it is not installed. */
bool bench_find(const char *program, char *path, size_t cap);
/* A UDP (also free for TCP) port of 127.0.0.1 that was free a moment ago. 0 when there is none. */
uint16_t bench_free_port(void);

/* Child processes. stdout and stderr are captured together in memory, never blocking the child;
 * stdin is /dev/null. A child dies with this program. */
struct bench_child {
    pid_t pid; /* 0 when it does not run */
    int output_fd;
    uint64_t started_us;
};
struct bench_result {
    bool ended;    /* false: it was stopped because its time ran out */
    int exit_code; /* -1 when it ended by a signal */
    int signal;    /* 0 when it ended by itself */
    double wall_s;
    double cpu_s; /* user and system */
    char *output; /* NUL-terminated, owned: bench_result_free() */
    size_t output_len;
};
/* argv ends with NULL; argv[0] is looked up in $PATH. dir: working folder or NULL. core: as in
 * bench_pin, or -1 for all. False when it could not be started, which is also printed. */
bool bench_child_start(struct bench_child *c, const char *const argv[], const char *dir, int core);
bool bench_child_running(struct bench_child *c);
/* Waits up to limit_s for its end, then stops it (SIGTERM, a second later SIGKILL). */
void bench_child_wait(struct bench_child *c, double limit_s, struct bench_result *r);
/* Stops it now and collects it. */
void bench_child_stop(struct bench_child *c, struct bench_result *r);
void bench_result_free(struct bench_result *r);

#endif
