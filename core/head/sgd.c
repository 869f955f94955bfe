/* core/head/sgd.c: see sgd.h */
#include "core/head/sgd.h"
#include <math.h>

double anc_schedule_rate(const anc_schedule *s, int64_t i)
{
    double rate = s->rate;
    if (s->form == ANC_SCHEDULE_COSINE)
        rate *= 0.5 * (1 + cos(3.14159265358979323846 * (double)i / (double)s->steps));
    for (int k = 0; s->form == ANC_SCHEDULE_STEPS && k < s->n_milestones; k++)
        if (i >= s->milestone[k]) rate *= s->gamma;
    return i < s->warm_up ? rate * (double)(i + 1) / (double)s->warm_up : rate;
}

double anc_sgd_norm(const float *gradient, size_t n)
{
    double part[8] = { 0 }, sum = 0; /* eight sums, so that one addition need not wait for the other */
    for (size_t i = 0; i < n; i++) part[i % 8] += (double)gradient[i] * (double)gradient[i];
    for (int k = 0; k < 8; k++) sum += part[k];
    return sqrt(sum);
}

void anc_sgd_step(float *restrict p, float *restrict v, const float *restrict gradient, size_t n, double rate,
                  double momentum, double decay, double factor)
{
    float r = (float)rate, m = (float)momentum, w = (float)decay, f = (float)factor;
    for (size_t i = 0; i < n; i++) {
        v[i] = m * v[i] + (f * gradient[i] + w * p[i]);
        p[i] -= r * v[i];
    }
}
