/* Structured log, one line an event: time, level, room, a sentence, then key=value pairs.
 *
 *   log_warn("sip", "trunk refuses registration", "trunk=%s code=%u", name, code);
 *
 * Goes to stderr, or to the file given. Thread-safe: a line is one write(2). Secrets never belong
 * in a log line. Lines beyond LOG_LINE_MAX are cut. A repeating line is limited: beyond
 * LOG_BURST of one call site a second the rest is counted and said once, by the first line of any
 * call site in a later second. */
#ifndef PEAL_BASE_LOG_H
#define PEAL_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define LOG_LINE_MAX 1024
#define LOG_BURST    20

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

struct log_site { /* one per call site, made by the macros */
    _Atomic uint64_t second;
    _Atomic uint32_t count;
    _Atomic uint32_t suppressed;
    struct log_site *next; /* of those with lines to be said later */
    const char *room, *sentence;
};

void log_set_level(enum log_level level); /* default LOG_INFO */
enum log_level log_level_now(void);
enum err log_set_file(const char *path);                         /* NULL: stderr */
enum err log_level_parse(const char *name, enum log_level *out); /* "debug" … "off" */

/* Says now how many lines were left out, for all call sites: at the end of a program. */
void log_flush(void);

/* keys_fmt is a printf format (a literal) of key=value pairs, or "" for none. Control characters in
 * the line become '?', so that what a peer sent cannot forge a line. Keeps errno. */
void log_write(struct log_site *site, enum log_level level, const char *room, const char *sentence,
               const char *keys_fmt, ...) __attribute__((format(printf, 5, 6)));

#define log_at(level, room, sentence, ...)                                                         \
    do {                                                                                           \
        static struct log_site log_site_here;                                                      \
        if ((level) >= log_level_now())                                                            \
            log_write(&log_site_here, (level), (room), (sentence), " " __VA_ARGS__);               \
    } while (0)
#define log_debug(room, sentence, ...) log_at(LOG_DEBUG, room, sentence, __VA_ARGS__)
#define log_info(room, sentence, ...)  log_at(LOG_INFO, room, sentence, __VA_ARGS__)
#define log_warn(room, sentence, ...)  log_at(LOG_WARN, room, sentence, __VA_ARGS__)
#define log_error(room, sentence, ...) log_at(LOG_ERROR, room, sentence, __VA_ARGS__)

#endif
