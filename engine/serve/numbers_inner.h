/* What the files that read NUMBERS.yaml share. Private to the room. */
#ifndef PEAL_SERVE_NUMBERS_INNER_H
#define PEAL_SERVE_NUMBERS_INNER_H

#include "io/yaml_file.h"
#include "serve/numbers.h"

/* One reading under way; the first complaint ends it. */
struct numbers_reader {
    struct yaml_file file;
    struct numbers *out;
};

typedef void numbers_read_fn(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                             void *place);

/* A key of a mapping: `at` is where its value goes, from the place that the mapping was given. */
struct numbers_field {
    const char *name;
    numbers_read_fn *read;
    size_t at;
    uint32_t min, max; /* of numbers, and of durations in ms */
};

#define numbers_fail(r, ...) yaml_file_refuse(&(r)->file, __VA_ARGS__)

/* Reads a mapping by a table of `count` fields; keys that it does not have, and keys given twice,
 * are refused with the list of those that are accepted. */
void numbers_mapping(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                     const struct numbers_field *fields, size_t count, void *place);
/* Each item of a sequence; false: it is none (said). */
bool numbers_is_sequence(struct numbers_reader *r, const char *where, const yaml_node_t *n);
/* NULL, and a complaint, where it is no single value. */
const char *numbers_text(struct numbers_reader *r, const char *where, const yaml_node_t *n);

/* Single values. cap: with the NUL. */
void numbers_copy(struct numbers_reader *r, const char *where, const yaml_node_t *n, char *dst,
                  size_t cap);
void numbers_name(struct numbers_reader *r, const char *where, const yaml_node_t *n, char *dst,
                  size_t cap);
void numbers_path(struct numbers_reader *r, const char *where, const yaml_node_t *n, char *dst,
                  size_t cap);
void numbers_addr(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                  uint16_t default_port, struct addr *out);
void numbers_bool(struct numbers_reader *r, const char *where, const yaml_node_t *n, bool *out);
void numbers_u32(struct numbers_reader *r, const char *where, const yaml_node_t *n, uint32_t min,
                 uint32_t max, uint32_t *out);
void numbers_duration(struct numbers_reader *r, const char *where, const yaml_node_t *n,
                      uint32_t max_ms, uint32_t *out_ms);

/* numbers_network.c: sip, media, tls. */
numbers_read_fn numbers_read_sip, numbers_read_media, numbers_read_tls, numbers_read_srtp;
void numbers_check_network(struct numbers_reader *r, const yaml_node_t *root);
/* numbers_parts.c: trunk, agents, hold, supervision, zone, hours. */
numbers_read_fn numbers_read_trunk, numbers_read_agents, numbers_read_hold,
    numbers_read_supervision, numbers_read_zone, numbers_read_hours;
numbers_read_fn numbers_read_speech, numbers_read_processes, numbers_read_ahead, numbers_read_http;
numbers_read_fn numbers_read_recording, numbers_read_codecs;
numbers_read_fn numbers_read_addr, numbers_read_yes;

enum err numbers_key(struct slice number, char *dst, size_t cap);
void numbers_sort(struct numbers *n);

#endif
