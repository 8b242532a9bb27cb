/* Text on terminals: columns counted in characters, colours, bars. Private to the room. */
#ifndef PEAL_REPORT_TEXT_H
#define PEAL_REPORT_TEXT_H

#include "base/buf.h"

#define TEXT_RESET  "\x1b[0m"
#define TEXT_BOLD   "\x1b[1m"
#define TEXT_DIM    "\x1b[2m"
#define TEXT_RED    "\x1b[31m"
#define TEXT_GREEN  "\x1b[32m"
#define TEXT_YELLOW "\x1b[33m"
#define TEXT_BLUE   "\x1b[34m"
#define TEXT_CYAN   "\x1b[36m"

/* Columns of UTF-8 text (one a code point; escape sequences take none). */
uint32_t text_columns(struct slice s);
/* As much of s as fits into so many columns, with "…" when it was cut. */
void text_put_cut(struct buf *b, struct slice s, uint32_t columns);
/* A bar of eighths: value of most, over so many columns. */
void text_put_bar(struct buf *b, uint64_t value, uint64_t most, uint32_t columns);
void text_put_spaces(struct buf *b, uint32_t n);
/* "1,234,567" */
void text_put_number(struct buf *b, uint64_t v);
/* "850 ms", "2.4 s", "3:05 min", "1:02:30 h" */
void text_put_ms(struct buf *b, uint64_t ms);

#endif
