/* What a prompt is once it has been read (prompt_read.c), for those who make it heard (prompts.c).
 */
#ifndef PEAL_FLOW_PROMPTS_INNER_H
#define PEAL_FLOW_PROMPTS_INNER_H

#include "flow/prompts.h"
#include "flow/speech.h"

#define PROMPT_PIECES_MAX 192 /* a read-out of 64 keys twice, and the text around it */

enum piece_kind {
    PIECE_FILE,  /* text: a path of the audio folder, ended by a zero */
    PIECE_TEXT,  /* spoken by itself */
    PIECE_PART,  /* spoken as part of a sentence */
    PIECE_PAUSE, /* where the sentence has a comma or a full stop */
};

/* Pieces of one item become one sound; items are queued one after the other. */
struct piece {
    enum piece_kind kind;
    uint32_t item, pause_ms;
    struct slice text;
};

struct prompt {
    enum words_lang lang;
    uint32_t items, count;
    struct piece piece[PROMPT_PIECES_MAX];
    struct buf scratch; /* what had to be put together */
};

/* The prompt at index with the options at `options` (0: none); raises what is wrong with it. Its
 * texts are the script's or in rt->scratch: valid while the script does nothing else. */
void prompt_read(lua_State *L, struct flow *f, struct prompt *p, int index, int options);

/* The pieces of a prompt's text that are the same whatever is put into its {names}; true when there
 * are such. p->lang is the caller's to set. */
bool prompt_read_ahead(lua_State *L, struct flow_runtime *rt, struct prompt *p, struct slice text);

/* What the synthesiser is to be asked for a piece that is spoken. */
static inline struct speech_text piece_speech(const struct prompt *p, const struct piece *piece)
{
    return (struct speech_text){words_lang_name(p->lang), piece->text, piece->kind == PIECE_PART};
}

#endif
