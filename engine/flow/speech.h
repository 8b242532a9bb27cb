/* Text to speech by a command of the system (espeak-ng, unless configured), on threads of its own,
 * so that neither the command nor the disk ever holds the loop up. What was said once is kept: as a
 * file in a folder that engines may share (written beside and renamed; the oldest go when the
 * folder outgrows its bound) and as a sound in memory.
 *
 * Texts that somebody waits for go before those that are spoken ahead (speech_prefetch), oldest
 * first; a text is spoken once, however many wait for it. As many commands run at once as there are
 * threads; a thread starts when all others are at work. Loop thread only. */
#ifndef PEAL_FLOW_SPEECH_H
#define PEAL_FLOW_SPEECH_H

#include "flow/answer.h"
#include "io/loop.h"
#include "media/sound.h"

/* {lang}: "en", "ru", "sl"; {file}: the WAV file to write; {text}: what to say, as one argument.
 * Words are parted by blanks; there is no shell. */
#define SPEECH_COMMAND     "espeak-ng -v {lang} -s 150 -w {file} -- {text}"
#define SPEECH_TEXT_MAX    1000 /* bytes of one text */
#define SPEECH_JOBS_MAX    1024 /* texts wanted and not yet spoken; many may wait for one */
#define SPEECH_AHEAD_MAX   4096 /* texts to be spoken ahead */
#define SPEECH_THREADS     2    /* commands at once, unless configured */
#define SPEECH_THREADS_MAX 16
#define SPEECH_SECONDS     20 /* of the command, then it is killed */
#define SPEECH_MEMORY_MAX  (64u << 20)
#define SPEECH_FOLDER_MAX  (256u << 20) /* bytes of files, unless configured */
#define SPEECH_WHY_MAX     200

struct speech;

struct speech_config {
    struct loop *loop;
    struct sound_cache *sounds;
    const char *command; /* NULL: SPEECH_COMMAND */
    const char *folder;  /* made when it is not there; NULL: nothing is kept on disk */
    uint64_t folder_bytes;
    uint32_t threads; /* commands at once; 0: SPEECH_THREADS; at most SPEECH_THREADS_MAX */
};

struct speech_text {
    const char *lang;
    struct slice text;
    bool part; /* of a sentence: the silence before and after it is cut off */
};

struct speech_stats {
    uint64_t from_memory, from_folder, spoken, failed;
    uint64_t refused, refused_ahead; /* there were too many already */
    uint32_t wanted, ahead;          /* under way */
    uint32_t wanted_peak, threads;
};

/* ERR_INVALID: the command has no {file} or no {text}, or is too long; too many threads. */
enum err speech_open(struct speech **out, const struct speech_config *config);
/* Who still waits is told ERR_CLOSED. s may be NULL. */
void speech_close(struct speech *s);
const struct speech_stats *speech_stats(const struct speech *s);

/* The sound of a text when it is in memory, else NULL. It stays at least until the loop's next
 * turn; who plays it then holds it. */
const struct sound *speech_find(struct speech *s, const struct speech_text *t);
/* Makes it so. Answered with OK when speech_find finds it, or what went wrong; never from inside;
 * answered may be NULL.
 * ERR_FULL: SPEECH_JOBS_MAX; ERR_TOO_LONG; ERR_INVALID: nothing to say, or a zero byte. */
enum err speech_ask(struct speech *s, const struct speech_text *t, flow_answer_fn *answered,
                    void *arg);
/* Makes it so when nothing else is to be done. ERR_FULL: SPEECH_AHEAD_MAX. */
enum err speech_prefetch(struct speech *s, const struct speech_text *t);

#endif
