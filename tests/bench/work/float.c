// SPDX-License-Identifier: Apache-2.0
// Scalar floating point.
#include "work.h"

#include <math.h>
#include <stdlib.h>

struct body {
    double x[3], v[3], mass;
};

static double energy(const struct body *bodies, int count)
{
    double e = 0;
    for (int i = 0; i < count; i++) {
        const struct body *a = &bodies[i];
        e += 0.5 * a->mass * (a->v[0] * a->v[0] + a->v[1] * a->v[1] + a->v[2] * a->v[2]);
        for (int j = i + 1; j < count; j++) {
            double d[3] = {a->x[0] - bodies[j].x[0], a->x[1] - bodies[j].x[1], a->x[2] - bodies[j].x[2]};
            e -= a->mass * bodies[j].mass / sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
        }
    }
    return e;
}

uint64_t work_nbody(void)
{
    struct body bodies[] = {
        {{0, 0, 0}, {0, 0, 0}, 39.5},
        {{4.84, -1.16, -0.1}, {0.6, 2.8, -0.02}, 0.037},
        {{8.34, 4.12, -0.4}, {-1.01, 1.82, 0.008}, 0.011},
        {{12.9, -15.1, -0.22}, {1.08, 0.86, -0.01}, 0.0017},
        {{15.4, -25.9, 0.18}, {0.97, 0.59, -0.03}, 0.002},
    };
    enum { COUNT = sizeof bodies / sizeof bodies[0] };
    for (int step = 0; step < 120000; step++) {
        for (int i = 0; i < COUNT; i++)
            for (int j = i + 1; j < COUNT; j++) {
                struct body *a = &bodies[i], *b = &bodies[j];
                double dx = a->x[0] - b->x[0], dy = a->x[1] - b->x[1], dz = a->x[2] - b->x[2];
                double square = dx * dx + dy * dy + dz * dz, force = 0.001 / (square * sqrt(square));
                a->v[0] -= dx * b->mass * force;
                a->v[1] -= dy * b->mass * force;
                a->v[2] -= dz * b->mass * force;
                b->v[0] += dx * a->mass * force;
                b->v[1] += dy * a->mass * force;
                b->v[2] += dz * a->mass * force;
            }
        for (int i = 0; i < COUNT; i++)
            for (int k = 0; k < 3; k++)
                bodies[i].x[k] += 0.001 * bodies[i].v[k];
    }
    work_value = energy(bodies, COUNT);
    return sum_double(SUM_START, work_value);
}

uint64_t work_mandelbrot(void)
{
    enum { SIZE = 256, LIMIT = 120 };
    uint64_t inside = 0;
    for (int row = 0; row < SIZE; row++)
        for (int column = 0; column < SIZE; column++) {
            double cr = 2.0 * column / SIZE - 1.5, ci = 2.0 * row / SIZE - 1.0, zr = 0, zi = 0;
            int i = 0;
            for (; i < LIMIT && zr * zr + zi * zi < 4.0; i++) {
                double t = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = t;
            }
            inside += (uint64_t)i;
        }
    work_value = (double)(inside / 10000);
    return inside;
}

static double element(int i, int j)
{
    return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1);
}

enum { SPECTRAL = 240 };

static void multiply(const double *v, double *to, int transposed)
{
    for (int i = 0; i < SPECTRAL; i++) {
        double sum = 0;
        for (int j = 0; j < SPECTRAL; j++)
            sum += (transposed ? element(j, i) : element(i, j)) * v[j];
        to[i] = sum;
    }
}

uint64_t work_spectral(void)
{
    double u[SPECTRAL], v[SPECTRAL], t[SPECTRAL];
    for (int i = 0; i < SPECTRAL; i++)
        u[i] = 1;
    for (int i = 0; i < 40; i++) {
        multiply(u, t, 0);
        multiply(t, v, 1);
        multiply(v, t, 0);
        multiply(t, u, 1);
    }
    double uv = 0, vv = 0;
    for (int i = 0; i < SPECTRAL; i++) {
        uv += u[i] * v[i];
        vv += v[i] * v[i];
    }
    work_value = sqrt(uv / vv);
    return sum_double(SUM_START, work_value);
}

// Cooley and Tukey, in place.
uint64_t work_fourier(void)
{
    enum { N = 1 << 14 };
    double *re = work_memory(N * sizeof *re), *im = work_memory(N * sizeof *im);
    uint64_t state = NUMBER_START;
    for (int i = 0; i < N; i++)
        re[i] = (double)(number_next(&state) >> 40) / (1 << 24);
    for (int round = 0; round < 18; round++) {
        for (unsigned i = 1, j = 0; i < N; i++) {
            unsigned bit = N >> 1;
            for (; j & bit; bit >>= 1)
                j ^= bit;
            j ^= bit;
            if (i < j) {
                double t = re[i];
                re[i] = re[j];
                re[j] = t;
                t = im[i];
                im[i] = im[j];
                im[j] = t;
            }
        }
        for (int size = 2; size <= N; size *= 2) {
            double angle = 2 * 3.14159265358979323846 / size, wr = cos(angle), wi = sin(angle);
            for (int i = 0; i < N; i += size) {
                double cr = 1, ci = 0;
                for (int k = i; k < i + size / 2; k++) {
                    double tr = re[k + size / 2] * cr - im[k + size / 2] * ci;
                    double ti = re[k + size / 2] * ci + im[k + size / 2] * cr;
                    re[k + size / 2] = re[k] - tr;
                    im[k + size / 2] = im[k] - ti;
                    re[k] += tr;
                    im[k] += ti;
                    double t = cr * wr - ci * wi;
                    ci = cr * wi + ci * wr;
                    cr = t;
                }
            }
        }
        for (int i = 0; i < N; i++) {
            re[i] /= 128;
            im[i] /= 128;
        }
    }
    uint64_t sum = SUM_START;
    work_value = 0;
    for (int i = 0; i < N; i += 97) {
        sum = sum_double(sum_double(sum, re[i]), im[i]);
        work_value += fabs(re[i]);
    }
    free(re);
    free(im);
    return sum;
}

uint64_t work_linpack(void)
{
    enum { N = 160 };
    double(*a)[N] = work_memory(N * sizeof *a), b[N];
    uint64_t sum = SUM_START;
    for (int round = 0; round < 12; round++) {
        uint64_t state = NUMBER_START + (uint64_t)round;
        for (int i = 0; i < N; i++) {
            for (int j = 0; j < N; j++)
                a[i][j] = (double)(number_next(&state) >> 44) / (1 << 20) - 0.5;
            b[i] = i;
        }
        for (int k = 0; k < N; k++) {
            int best = k;
            for (int i = k + 1; i < N; i++)
                if (fabs(a[i][k]) > fabs(a[best][k]))
                    best = i;
            for (int j = k; j < N; j++) {
                double t = a[k][j];
                a[k][j] = a[best][j];
                a[best][j] = t;
            }
            double t = b[k];
            b[k] = b[best];
            b[best] = t;
            for (int i = k + 1; i < N; i++) {
                double factor = a[i][k] / a[k][k];
                for (int j = k; j < N; j++)
                    a[i][j] -= factor * a[k][j];
                b[i] -= factor * b[k];
            }
        }
        for (int i = N - 1; i >= 0; i--) {
            for (int j = i + 1; j < N; j++)
                b[i] -= a[i][j] * b[j];
            b[i] /= a[i][i];
        }
        work_value = b[0];
        for (int i = 0; i < N; i++)
            sum = sum_double(sum, b[i]);
    }
    free(a);
    return sum;
}

uint64_t work_libm(void)
{
    double total = 0;
    for (int i = 1; i <= 120000; i++) {
        double x = i * 0.001;
        total += sin(x) * cos(x) + log(x) + exp(-x) + pow(x, 0.3) + atan2(x, 3) + floor(x) + fmod(x, 0.7) + cbrt(x);
    }
    work_value = total;
    return sum_double(SUM_START, total);
}

// Single precision: filters of the second order in a row, with a limiter.
uint64_t work_filters(void)
{
    float state[4][2] = {{0}}, out = 0, total = 0;
    static const float k[4][5] = {{0.2f, 0.4f, 0.2f, -0.3f, 0.1f},
                                  {0.5f, -0.2f, 0.1f, 0.2f, -0.05f},
                                  {0.9f, 0.1f, -0.3f, -0.1f, 0.2f},
                                  {0.3f, 0.3f, 0.3f, 0.05f, -0.1f}};
    uint64_t random = NUMBER_START, sum = SUM_START;
    for (int i = 0; i < 600000; i++) {
        float x = (float)(int32_t)(number_next(&random) >> 32) / 2147483648.0f;
        for (int f = 0; f < 4; f++) {
            float y = k[f][0] * x + state[f][0];
            state[f][0] = k[f][1] * x - k[f][3] * y + state[f][1];
            state[f][1] = k[f][2] * x - k[f][4] * y;
            x = y;
        }
        out = x > 0.5f ? 0.5f : x < -0.5f ? -0.5f : x;
        total += out * out;
        if (i % 1000 == 0)
            sum = sum_double(sum, (double)out);
    }
    work_value = (double)total;
    return sum;
}

// Between integers, single and double precision, with comparisons and square roots.
uint64_t work_conversions(void)
{
    uint64_t random = NUMBER_START, sum = SUM_START;
    double total = 0;
    for (int i = 0; i < 2000000; i++) {
        int64_t integer = (int64_t)number_next(&random) >> 24;
        double a = (double)integer;
        float b = (float)(integer >> 12);
        uint32_t c = (uint32_t)(b < 0 ? -b : b);
        double root = sqrt(fabs(a));
        total += root > (double)b ? root : (double)c;
        sum = sum_add(sum, (uint64_t)(int64_t)root + c + (uint64_t)(int64_t)lrint(a * 0.125));
    }
    work_value = total;
    return sum;
}
