/* The page: plain HTML with inline SVG, no script, nothing loaded from elsewhere. */
#include "bench/pacing_report.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define WIDTH  620.0
#define HEIGHT 330.0
#define LEFT   50.0
#define BELOW  35.0

static const char *const colours[] = {"#0b6e4f", "#c1121f", "#33658a", "#8a5a00",
                                      "#6a4c93", "#4a4e69", "#2a9d8f", "#b5179e"};

struct frame {
    double most_abandoned, least_utilisation;
};

static double x_of(const struct frame *f, double abandoned)
{
    return LEFT + (WIDTH - LEFT - 120) * fmin(abandoned / f->most_abandoned, 1.03);
}

static double y_of(const struct frame *f, double utilisation)
{
    double share = (utilisation - f->least_utilisation) / (100 - f->least_utilisation);

    return (HEIGHT - BELOW) * (1 - fmax(share, 0));
}

static struct frame frame_of(const struct pacing_page *p, const char *load)
{
    struct frame f = {6, 90};

    for (uint32_t i = 0; i < p->cells; i++)
        if (strcmp(p->cell[i].load, load) == 0)
            f.least_utilisation = fmin(f.least_utilisation, p->cell[i].utilisation);
    for (uint32_t i = 0; i < p->points; i++)
        if (strcmp(p->point[i].load, load) == 0)
            f.least_utilisation = fmin(f.least_utilisation, p->point[i].utilisation);
    f.least_utilisation = 5 * floor(f.least_utilisation / 5);
    return f;
}

static void write_axes(FILE *out, const struct frame *f)
{
    for (int a = 0; a <= 6; a++)
        fprintf(out, "<text x='%.1f' y='%.1f' text-anchor='middle'>%d %%</text>\n", x_of(f, a),
                HEIGHT - BELOW + 16, a);
    for (double u = f->least_utilisation; u <= 100; u += 5)
        fprintf(out,
                "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='#ddd'/>"
                "<text x='%.1f' y='%.1f' text-anchor='end'>%.0f</text>\n",
                LEFT, x_of(f, f->most_abandoned), y_of(f, u), y_of(f, u), LEFT - 5, y_of(f, u) + 4,
                u);
    fprintf(out,
            "<line x1='%.1f' x2='%.1f' y1='0' y2='%.1f' stroke='#c1121f' stroke-dasharray='4 4'/>"
            "<text x='%.1f' y='%.1f' text-anchor='middle'>answers abandoned</text>\n",
            x_of(f, 3), x_of(f, 3), HEIGHT - BELOW, x_of(f, 3), HEIGHT - 4);
}

static void write_curve(FILE *out, const struct pacing_page *p, const struct frame *f,
                        const char *load, const char *policy, const char *colour)
{
    fprintf(out, "<polyline fill='none' stroke='%s' stroke-width='1.5' points='", colour);
    for (uint32_t i = 0; i < p->points; i++)
        if (strcmp(p->point[i].load, load) == 0 && strcmp(p->point[i].policy, policy) == 0 &&
            p->point[i].abandoned <= f->most_abandoned * 1.03)
            fprintf(out, "%.1f,%.1f ", x_of(f, p->point[i].abandoned),
                    y_of(f, p->point[i].utilisation));
    fputs("'/>\n", out);
}

static void write_chart(FILE *out, const struct pacing_page *p, const char *load)
{
    struct frame f = frame_of(p, load);
    uint32_t n = 0;

    fprintf(out,
            "<svg role='img' aria-label='Utilisation over abandonment, %s' "
            "viewBox='0 -10 %.0f %.0f'>\n",
            load, WIDTH, HEIGHT + 10);
    write_axes(out, &f);
    for (uint32_t i = 0; i < p->cells; i++) {
        const struct pacing_cell *c = &p->cell[i];

        if (strcmp(c->load, load) != 0)
            continue;
        const char *colour = colours[n++ % (sizeof(colours) / sizeof(colours[0]))];
        write_curve(out, p, &f, load, c->policy, colour);
        fprintf(out,
                "<circle cx='%.1f' cy='%.1f' r='4' fill='%s'><title>%s: %.1f %% at %.2f "
                "%%</title></circle><text x='%.1f' y='%.1f' fill='%s'>%s</text>\n",
                x_of(&f, c->abandoned), y_of(&f, c->utilisation), colour, c->policy, c->utilisation,
                c->abandoned, WIDTH - 110, 14.0 * n, colour, c->policy);
    }
    fputs("</svg>\n", out);
}

static void write_table(FILE *out, const struct pacing_page *p, const char *load)
{
    fputs("<table><tr><th>policy<th>utilisation %<th>± 95 %<th>abandoned %<th>worst day %"
          "<th>idle s a call<th>dials a contact</tr>\n",
          out);
    for (uint32_t i = 0; i < p->cells; i++) {
        const struct pacing_cell *c = &p->cell[i];

        if (strcmp(c->load, load) == 0)
            fprintf(out, "<tr><td>%s<td>%.2f<td>%.2f<td>%.2f<td>%.2f<td>%.1f<td>%.2f</tr>\n",
                    c->policy, c->utilisation, c->interval, c->abandoned, c->day_most, c->idle_s,
                    c->dials);
    }
    fputs("</table>\n", out);
}

bool pacing_page_write(const struct pacing_page *p, const char *path)
{
    FILE *out = fopen(path, "w");
    const char *last = "";

    if (!out) {
        fprintf(stderr, "peal-bench: cannot write %s: %s\n", path, strerror(errno));
        return false;
    }
    fputs("<!doctype html><html lang='en'><meta charset='utf-8'><title>Pacing</title>\n"
          "<style>body{font:14px/1.5 system-ui,sans-serif;max-width:900px;margin:2em auto;"
          "padding:0 1em;color:#222}svg{width:100%;max-width:720px;font-size:11px}"
          "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
          "td,th{padding:.2em .7em;border-bottom:1px solid #ddd;text-align:right}"
          "td:first-child,th:first-child{text-align:left}</style>\n"
          "<h1>Agents busy, answers abandoned</h1>\n"
          "<p>Share of logged-in time that agents talk or wrap up, over the share of live answers "
          "that found no agent within the limit. The dashed line is the cap of 3 %. Curves: the "
          "same policy with another cap, or another level.</p>\n",
          out);
    for (uint32_t i = 0; i < p->cells; i++) {
        if (strcmp(p->cell[i].load, last) == 0)
            continue;
        last = p->cell[i].load;
        fprintf(out, "<h2>%s</h2>\n", last);
        write_chart(out, p, last);
        write_table(out, p, last);
    }
    fputs("</html>\n", out);
    bool bad = ferror(out) != 0;
    if (fclose(out) != 0 || bad) {
        fprintf(stderr, "peal-bench: %s could not be written whole\n", path);
        return false;
    }
    return true;
}
