// SPDX-License-Identifier: Apache-2.0
// Drawing the loss curve as SVG. See chart.h.
#include "trainer/chart.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "engine/base/alloc.h"
#include "engine/base/file.h"
#include "engine/base/stringbuf.h"

// The picture and the frame in it, in pixels.
enum { width = 880, height = 500, left = 76, right = 856, top = 64, bottom = 438 };

// More points than this are drawn as the smallest and largest of each run of neighbours.
enum { most_points = 1600 };

// What the axes show. `step` is the distance of two ticks.
struct axis {
    double low, high, step;
};

struct chart {
    struct lw_string *out;
    struct axis x, y;
    const struct lw_history_entry *points;
    size_t count;
    struct lw_error *error;
};

// 1, 2 or 5 times a power of ten, so that `span` holds about `ticks` of it.
static double round_step(double span, double ticks)
{
    double magnitude = pow(10, floor(log10(span / ticks)));
    double fraction = span / ticks / magnitude;
    return magnitude * (fraction < 1.5 ? 1 : fraction < 3.5 ? 2 : fraction < 7.5 ? 5 : 10);
}

// An axis that reaches over [low, high] and ends at ticks.
static struct axis fit_axis(double low, double high, double ticks)
{
    if (!(high > low)) {
        double margin = fabs(low) > 0 ? fabs(low) * 0.1 : 1;
        low -= margin;
        high += margin;
    }
    double step = round_step(high - low, ticks);
    return (struct axis){floor(low / step) * step, ceil(high / step) * step, step};
}

static double place_x(const struct chart *chart, double step)
{
    return left + (step - chart->x.low) / (chart->x.high - chart->x.low) * (right - left);
}

static double place_y(const struct chart *chart, double loss)
{
    return bottom - (loss - chart->y.low) / (chart->y.high - chart->y.low) * (bottom - top);
}

static void fit_axes(struct chart *chart)
{
    double low = DBL_MAX, high = -DBL_MAX;
    for (size_t i = 0; i < chart->count; i++) {
        const double losses[] = {chart->points[i].loss, chart->points[i].eval_loss};
        for (int k = 0; k < 2; k++) {
            low = isfinite(losses[k]) && losses[k] < low ? losses[k] : low;
            high = isfinite(losses[k]) && losses[k] > high ? losses[k] : high;
        }
    }
    bool none = low > high;
    double last = chart->count ? chart->points[chart->count - 1].step : 1;
    chart->y = none ? fit_axis(0, 1, 5) : fit_axis(low, high, 5);
    chart->x = fit_axis(0, last, 8);
    chart->x.step = chart->x.step < 1 ? 1 : chart->x.step;
    chart->x.high = last; // the curve ends at the frame
}

static bool add_head(struct chart *chart, const char *title)
{
    static const char head[] =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 880 500\" width=\"880\" "
        "height=\"500\" font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', "
        "sans-serif\" font-size=\"13\" fill=\"#57606a\">\n"
        "<rect width=\"880\" height=\"500\" fill=\"#ffffff\"/>\n"
        "<text x=\"76\" y=\"34\" font-size=\"18\" font-weight=\"600\" fill=\"#1f2328\">";
    if (!lw_string_add(chart->out, head, sizeof head - 1, chart->error)) {
        return false;
    }
    for (; *title; title++) {
        const char *name = *title == '<' ? "&lt;" : *title == '&' ? "&amp;" : NULL;
        bool control = (unsigned char)*title < 0x20;
        bool added = name ? lw_string_addf(chart->out, chart->error, "%s", name)
                          : lw_string_add(chart->out, control ? " " : title, 1, chart->error);
        if (!added) {
            return false;
        }
    }
    return lw_string_addf(chart->out, chart->error, "</text>\n");
}

// Grid lines with their figures, and the names of the axes.
static bool add_axes(struct chart *chart)
{
    struct lw_error *error = chart->error;
    const struct axis *x = &chart->x, *y = &chart->y;
    int digits = y->step < 1 ? (int)ceil(-log10(y->step) - 1e-9) : 0;
    bool plain = digits < 6 && y->high < 1e6; // else with an exponent
    for (int i = 0; y->low + i * y->step <= y->high + y->step * 0.01; i++) {
        double value = y->low + i * y->step, line = place_y(chart, value);
        value = fabs(value) < y->step * 1e-9 ? 0 : value;
        char figure[32];
        snprintf(figure, sizeof figure, plain ? "%.*f" : "%.*e", plain ? digits : 1, value);
        if (!lw_string_addf(chart->out, error,
                "<path d=\"M%d %.1fH%d\" stroke=\"%s\"/>"
                "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
                left, line, right, i ? "#eaeef2" : "#8c959f", left - 10, line + 4.5, figure)) {
            return false;
        }
    }
    for (int i = 0; i * x->step <= x->high + x->step * 0.01; i++) {
        double line = place_x(chart, i * x->step);
        if (!lw_string_addf(chart->out, error,
                "<path d=\"M%.1f %dv5\" stroke=\"#8c959f\"/>"
                "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.0f</text>\n",
                line, bottom, line, bottom + 22, i * x->step)) {
            return false;
        }
    }
    return lw_string_addf(chart->out, error,
        "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">optimizer step</text>\n"
        "<text transform=\"translate(22 %d) rotate(-90)\" text-anchor=\"middle\">loss</text>\n",
        (left + right) / 2, height - 16, (top + bottom) / 2);
}

static bool add_point(struct chart *chart, double step, double loss)
{
    return lw_string_addf(
        chart->out, chart->error, " %.1f,%.1f", place_x(chart, step), place_y(chart, loss));
}

// The training losses alone, in the order of the steps.
struct curve {
    double *steps, *losses; // [count]
    double *sums;           // [count + 1] scratch
    size_t count;
};

static bool collect(struct curve *curve, const struct chart *chart)
{
    double *memory = lw_calloc(chart->count + 1, 3 * sizeof *memory, chart->error);
    if (!memory) {
        return false;
    }
    curve->steps = memory;
    curve->losses = memory + chart->count;
    curve->sums = curve->losses + chart->count;
    for (size_t i = 0; i < chart->count; i++) {
        if (isfinite(chart->points[i].loss)) {
            curve->steps[curve->count] = chart->points[i].step;
            curve->losses[curve->count++] = chart->points[i].loss;
        }
    }
    return true;
}

// Replaces each loss by the mean over as many neighbours on either side, up to `reach`, as there are
// on both: unlike a running mean it lags behind nowhere.
static void smooth(struct curve *curve, size_t reach)
{
    curve->sums[0] = 0;
    for (size_t i = 0; i < curve->count; i++) {
        curve->sums[i + 1] = curve->sums[i] + curve->losses[i];
    }
    for (size_t i = 0; i < curve->count; i++) {
        size_t after = curve->count - 1 - i;
        size_t side = i < after ? i : after;
        side = side < reach ? side : reach;
        curve->losses[i] =
            (curve->sums[i + side + 1] - curve->sums[i - side]) / (double)(2 * side + 1);
    }
}

// A line through the losses. Runs of neighbours that no pixel can tell apart are drawn as their
// smallest and largest.
static bool add_line(struct chart *chart, const struct curve *curve, const char *style)
{
    size_t stride = curve->count / (most_points / 2) + 1;
    if (!lw_string_addf(chart->out, chart->error,
            "<polyline fill=\"none\" stroke=\"#0969da\" stroke-linejoin=\"round\" "
            "stroke-linecap=\"round\" %s points=\"",
            style)) {
        return false;
    }
    for (size_t i = 0; i < curve->count; i += stride) {
        double low = DBL_MAX, high = -DBL_MAX;
        size_t end = i + stride < curve->count ? i + stride : curve->count;
        for (size_t k = i; k < end; k++) {
            low = fmin(low, curve->losses[k]);
            high = fmax(high, curve->losses[k]);
        }
        // Also of a single loss a second time, which makes a dot of a curve of one point.
        bool twice = high > low || curve->count == 1;
        if (!add_point(chart, curve->steps[end - 1], low) ||
            (twice && !add_point(chart, curve->steps[end - 1], high))) {
            return false;
        }
    }
    return lw_string_addf(chart->out, chart->error, "\"/>\n");
}

static bool add_curve(struct chart *chart)
{
    struct curve curve = {0};
    bool added = collect(&curve, chart);
    if (added && curve.count) {
        added = add_line(chart, &curve, "stroke-opacity=\"0.35\" stroke-width=\"1.4\"");
        smooth(&curve, curve.count / 24);
        smooth(&curve, curve.count / 24);
        added = added && add_line(chart, &curve, "stroke-width=\"2.4\"");
    }
    lw_free(curve.steps);
    return added;
}

static bool add_held_out(struct chart *chart)
{
    for (size_t i = 0; i < chart->count; i++) {
        const struct lw_history_entry *point = &chart->points[i];
        if (isfinite(point->eval_loss) &&
            !lw_string_addf(chart->out, chart->error,
                "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"4\" fill=\"#d1570b\" stroke=\"#ffffff\" "
                "stroke-width=\"1.2\"><title>step %.0f: %.4f</title></circle>\n",
                place_x(chart, point->step), place_y(chart, point->eval_loss), point->step,
                point->eval_loss)) {
            return false;
        }
    }
    return true;
}

// What the colours mean, from the right edge to the left.
static bool add_legend(struct chart *chart, bool has_loss, bool has_held_out)
{
    struct lw_error *error = chart->error;
    if (!has_loss && !has_held_out) {
        return lw_string_addf(chart->out, error,
            "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">nothing was logged</text>\n",
            (left + right) / 2, (top + bottom) / 2);
    }
    int place = right - 92;
    if (has_held_out) {
        if (!lw_string_addf(chart->out, error,
                "<circle cx=\"%d\" cy=\"30\" r=\"4\" fill=\"#d1570b\"/>"
                "<text x=\"%d\" y=\"34.5\">held out</text>\n",
                place + 14, place + 28)) {
            return false;
        }
        place -= 110;
    }
    return !has_loss || lw_string_addf(chart->out, error,
                            "<path d=\"M%d 30h20\" stroke=\"#0969da\" stroke-width=\"2.4\"/>"
                            "<text x=\"%d\" y=\"34.5\">smoothed</text>\n"
                            "<path d=\"M%d 30h20\" stroke=\"#0969da\" stroke-opacity=\"0.35\" "
                            "stroke-width=\"1.4\"/><text x=\"%d\" y=\"34.5\">loss</text>\n",
                            place, place + 28, place - 86, place - 58);
}

static bool draw(struct chart *chart, const char *title)
{
    size_t losses = 0, held_out = 0;
    for (size_t i = 0; i < chart->count; i++) {
        losses += isfinite(chart->points[i].loss) != 0;
        held_out += isfinite(chart->points[i].eval_loss) != 0;
    }
    fit_axes(chart);
    return add_head(chart, title) && add_axes(chart) && add_legend(chart, losses, held_out) &&
           add_curve(chart) && add_held_out(chart) &&
           lw_string_addf(chart->out, chart->error, "</svg>\n");
}

bool lw_chart_write(const char *path, const char *title, const struct lw_history_entry *points,
    size_t count, struct lw_error *error)
{
    struct lw_string out = {0};
    struct chart chart = {.out = &out, .points = points, .count = count, .error = error};
    bool written = draw(&chart, title) && lw_file_write_whole(path, out.data, out.length, error);
    lw_string_free(&out);
    return written;
}
