/* core/head/sgd.h: stochastic gradient descent with momentum, and the learning rate over the steps
 *
 * torch's form, in float32:  d = g + decay * p;  v = momentum * v + d;  p = p - rate * v
 */
#ifndef ANC_CORE_HEAD_SGD_H
#define ANC_CORE_HEAD_SGD_H

#include <stddef.h>
#include <stdint.h>

typedef enum {
    ANC_SCHEDULE_STEPS, /* times gamma from each milestone on */
    ANC_SCHEDULE_COSINE /* half a cosine from rate to 0 over all steps (Loshchilov and Hutter 2017) */
} anc_schedule_form;

enum { ANC_MAX_MILESTONES = 32 };

typedef struct {
    double rate;
    int64_t warm_up; /* step i of the first so many takes (i + 1) / warm_up of the rate */
    anc_schedule_form form;
    int n_milestones;
    int64_t milestone[ANC_MAX_MILESTONES]; /* steps, ascending */
    double gamma;
    int64_t steps; /* of the whole run */
} anc_schedule;

/* The rate of step i, counted from 0. */
double anc_schedule_rate(const anc_schedule *s, int64_t i);

/* The Euclidean norm, summed in double in a fixed order. */
double anc_sgd_norm(const float *gradient, size_t n);

/* One step on n numbers; factor is multiplied into the gradient (1, or what clipping asks for). */
void anc_sgd_step(float *restrict p, float *restrict v, const float *restrict gradient, size_t n, double rate,
                  double momentum, double decay, double factor);

#endif
