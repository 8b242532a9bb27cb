/* What a verb that speaks may be given, and how it becomes sounds:
 *
 *   "greetings/en-017.wav"      a file of the audio folder
 *   "main"                      a prompt (a name without a dot): prompts/main.LANG.wav of the audio
 *                               folder, or where there is none the text of the script's `prompts`
 *   { say = "…" }               a text
 *   { "main", { say = "…" } }   one after the other, up to PROMPT_PARTS_MAX
 *
 * Texts are spoken; what read.* gave is said word by word (prompt_read.c).
 * LANG is the call's language. For the verbs of this room only. */
#ifndef PEAL_FLOW_PROMPTS_H
#define PEAL_FLOW_PROMPTS_H

#include "flow/ops.h"

#define PROMPT_PARTS_MAX 12   /* a leg's queue has LEG_QUEUE_MAX places */
#define PROMPT_READY_S   25.0 /* for all parts of a prompt to be spoken */
#define PROMPT_NAME_MAX  100

/* Whether all of the prompt at index can be played now. When not, the call waits for what is
 * missing: `return verb_wait(…)` and ask again on each wake. `options`: index of the verb's options
 * (0: none), whose `with` fills the {names} in texts and whose `lang` is taken for this prompt.
 * Raises what is wrong with the prompt, or that it cannot be spoken. */
bool prompt_ready(lua_State *L, struct flow *f, int index, int options);
/* Queues it; raises. Its last cookie; adds its length to *seconds. Only right after prompt_ready.
 */
uint32_t prompt_queue(lua_State *L, struct flow *f, int index, int options, double *seconds);

/* The same of a field of the table at `table`; an absent field is ready and queues nothing. */
bool prompt_field_ready(lua_State *L, struct flow *f, int table, const char *name);
bool prompt_field_queue(lua_State *L, struct flow *f, int table, const char *name, double *seconds);

/* A key came while a prompt was made ready: it is not waited for any more. */
void prompt_leave(struct flow *f);

/* Raises what is wrong with the `prompts` and the `language` of the declaration at index. */
void prompt_check_declaration(lua_State *L, int index);
/* `lang` of the options at index, else the call's language. */
enum words_lang prompt_lang(lua_State *L, int index);

#endif
