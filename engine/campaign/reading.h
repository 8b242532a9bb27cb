/* One reading of a campaign file under way: where it complains to, and the small readers of single
 * values that all its parts use. Each reader leaves the default when the text is missing, and says
 * file, line and what is accepted when it is wrong; the first complaint wins and ends the reading.
 * Private to the room. */
#ifndef PEAL_CAMPAIGN_READING_H
#define PEAL_CAMPAIGN_READING_H

#include "campaign/schema.h"

struct reading {
    struct document *document;
    const struct raw_campaign *raw; /* of a campaign file */
    struct campaign *campaign;
    const char *path;
    char folder[CAMPAIGN_PATH_MAX]; /* that file names are relative to; "": none */
    char *error;
    bool failed;
    bool files_stay_closed; /* from memory: files that it names are not read */
};

struct reading_word {
    const char *word;
    int value;
};

/* at: a text of the file that stands on the line to name; NULL names none. */
void reading_fail(struct reading *r, const char *at, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

void reading_duration(struct reading *r, const char *key, const char *text, uint32_t min_ms,
                      uint32_t max_ms, uint32_t *out_ms);
void reading_u32(struct reading *r, const char *key, const char *text, uint32_t min, uint32_t max,
                 uint32_t *out);
void reading_double(struct reading *r, const char *key, const char *text, double min, double max,
                    double *out);
void reading_bool(struct reading *r, const char *key, const char *text, bool *out);
/* Missing text leaves dst; too long is a complaint. */
void reading_text(struct reading *r, const char *key, const char *text, char *dst, size_t cap);
/* A word of letters, digits, '_', '-', '.', that may name a file or a key. */
void reading_name(struct reading *r, const char *key, const char *text, char *dst, size_t cap);
/* A path, made relative to the campaign's folder. */
void reading_path(struct reading *r, const char *key, const char *text, char *dst, size_t cap);
int reading_word(struct reading *r, const char *key, const char *text,
                 const struct reading_word *words, size_t count, int otherwise);

/* parts.c: the larger parts of the file. */
void reading_trunks(struct reading *r);
/* off, offered, required: enum call_srtp. */
uint8_t reading_srtp(struct reading *r, const char *key, const char *text);
void reading_agents(struct reading *r);
/* network.c: first the addresses, which trunks and agents name; the rest stands on those. */
void reading_addresses(struct reading *r);
void reading_network(struct reading *r);
/* "20000-29999"; key with its colon, for the complaint. */
void reading_ports(struct reading *r, const char *key, const char *text, uint16_t *min,
                   uint16_t *max);
/* Through which address (0: sip's own) something is called: by name, or NULL, the first of the
 * family of `to`. of: "trunks"; at: what `to` is written as. */
uint8_t reading_place(struct reading *r, const char *of, const char *through, const char *at,
                      const struct addr *to);
/* auto, yes, no: enum call_nat. */
uint8_t reading_nat(struct reading *r, const char *key, const char *text);
struct addr reading_uri_address(const char *uri); /* unset: it has a name, or none */
/* codecs.c: a list of codecs by preference; empty leaves *out. */
void reading_codecs(struct reading *r, const char *key, char *const *words, uint32_t count,
                    struct sdp_codecs *out);
/* parts.c: a group of agents by name, of those that agents are in. key with its colon. */
uint8_t reading_group(struct reading *r, const char *key, const char *at, struct slice name);
/* sounds.c: what is played is noted with its line, and tried. at: the text on that line; path: it
 * stays where it is. */
void reading_sound(struct reading *r, const char *key, const char *at, const char *path);
enum err campaign_check_sounds(const struct campaign *c, char *error);
/* lists.c */
void reading_lists(struct reading *r);
void reading_treatments(struct reading *r);
void reading_rules(struct reading *r);

/* Keeps a copy with the campaign; NULL (and a complaint) when there is no memory. */
char *reading_keep(struct reading *r, const char *text);

#endif
