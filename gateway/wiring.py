"""Hands each use case the ports it needs; which adapters those are is bootstrap's business."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from gateway import wiring_keeping
from gateway.api.use_cases import JobUseCases
from gateway.core.budgets import Caps
from gateway.core.effects import EffectKind
from gateway.core.pricing import Rate
from gateway.core.upload import SINGLE_PUT_MAX_BYTES
from gateway.core.work_tokens import WorkTokens
from gateway.services.ask_compute import CancelAtCompute, SubmitToCompute
from gateway.services.attempt_gate import AttemptGate
from gateway.services.budget_room import BudgetRoom
from gateway.services.cancel_job import CancelJob
from gateway.services.change_job import ChangeJob
from gateway.services.claim_job import ClaimJob
from gateway.services.close_attempts import SettleAttempt, SweepAttempt
from gateway.services.delete_job import DeleteJob, EraseJob
from gateway.services.dispatch_jobs import DispatchJobs
from gateway.services.endpoints import Endpoint, Endpoints
from gateway.services.estimate_job import EstimateJob
from gateway.services.finish_attempt import FinishAttempt
from gateway.services.grant_outputs import GrantOutputs
from gateway.services.job_request import ReadRequest
from gateway.services.list_jobs import ListJobs
from gateway.services.perform_effects import PerformEffects, Performer
from gateway.services.read_events import ReadEvents
from gateway.services.record_report import RecordReport
from gateway.services.resolve_files import ResolveFiles
from gateway.services.retry_job import RetryJob
from gateway.services.reuse_result import ReuseResult
from gateway.services.submit_job import SubmitJob
from gateway.services.sweep_uploads import SweepUploads
from gateway.services.tell_budget_alert import TellBudgetAlert
from gateway.services.tick import Tick
from gateway.services.watch_attempts import Patience, WatchAttempts
from gateway.settings import RunpodSettings, Settings
from gateway.wiring_polls import PollServices
from gateway.wiring_ports import Ports
from gateway.wiring_webhooks import WebhookServices
from shared.errors import OperatorMustAct
from shared.job_kind import JobKind

# A slot is one job a worker takes at once: a GPU endpoint keeps one more of each at hand.
GPU_SLOTS_AHEAD = 2


def endpoints_of(settings: RunpodSettings | None) -> Endpoints:
    """Return the endpoints that are configured, with what each bills and takes.

    Without settings there is one that nothing comes of: its jobs wait for their deadline.
    """
    if settings is None:
        return Endpoints(Endpoint("unconfigured", Rate(Decimal(0), 0.0, 0.0), GPU_SLOTS_AHEAD))

    def rate(usd_per_s: Any) -> Rate:
        return Rate(usd_per_s, settings.cold_start_s, settings.idle_s)

    gpu = Endpoint(
        settings.gpu_endpoint,
        rate(settings.gpu_rate_usd_per_s),
        settings.gpu_slots * GPU_SLOTS_AHEAD,
    )
    if settings.cpu_endpoint is None:
        return Endpoints(gpu)
    cpu = Endpoint(settings.cpu_endpoint, rate(settings.cpu_rate_usd_per_s), settings.cpu_slots)
    return Endpoints(gpu, cpu)


def kind_caps_of(
    said: Iterable[tuple[str, int]], offered: Mapping[str, JobKind[Any, Any]]
) -> Mapping[str, int]:
    """Return how many jobs of a kind may be at work; raise `OperatorMustAct` for no kind."""
    caps = dict(said)
    if strange := sorted(caps.keys() - offered.keys()):
        named = ", ".join(strange)
        raise OperatorMustAct(
            f"CUTROOM_LIMITS_RUNNING_PER_KIND names {named}, and there is no such kind",
            public="The service is misconfigured.",
        )
    return caps


class JobServices:
    """The services of jobs, each built once and handed to those that need it."""

    def __init__(
        self,
        settings: Settings,
        has: Ports,
        offered: Mapping[str, JobKind[Any, Any]],
        polls: PollServices,
        wake: Callable[[], None],
    ) -> None:
        secret = settings.token_secret.get_secret_value().encode()
        self.settings, self.has, self.kinds, self.wake = settings, has, offered, wake
        self.polls = polls
        self.endpoints = endpoints_of(settings.runpod)
        self.tokens = WorkTokens(secret)
        self.webhooks = WebhookServices(
            settings,
            has.webhook_endpoints,
            has.delivery_queue,
            has.delivery_log,
            has.delivery_removal,
            has.outgoing,
            has.clock,
            has.new_id,
            has.calls,
        )
        self.caps = Caps.of_usd(settings.budget.day_usd, settings.budget.month_usd)
        self.change = ChangeJob(has.jobs, has.clock, polls.bell, wake, self.caps)
        self.finish = FinishAttempt(
            self.change, has.attempts, has.objects, has.assets, has.clock, offered
        )
        self.gate = AttemptGate(has.jobs, has.attempts, self.tokens)

    def use_cases(self) -> JobUseCases:
        """What the routes call."""
        has, limits, polls = self.has, self.settings.limits, self.polls
        read = ReadRequest(self.kinds, limits.labels)
        resolve = ResolveFiles(has.assets, has.jobs)
        reuse = ReuseResult(
            has.job_reuse, has.objects, has.clock, self.settings.retention.outputs_kept
        )
        room = BudgetRoom(has.budgets, has.clock, self.caps)
        submit = SubmitJob(
            read,
            has.jobs,
            resolve,
            reuse,
            room,
            self.endpoints,
            has.clock,
            has.new_id,
            self.wake,
            self.settings.max_retries,
            limits.open_jobs_per_tenant,
        )
        return JobUseCases(
            kinds=self.kinds,
            store=has.jobs,
            read_request=read,
            estimate=EstimateJob(read, resolve, reuse, room, self.endpoints),
            submit=submit,
            retry=RetryJob(has.jobs, submit),
            list=ListJobs(has.job_lists),
            delete=DeleteJob(has.jobs, has.job_removal, has.clock, self.wake),
            cancel=CancelJob(has.jobs, self.change, has.new_id),
            view=polls.view,
            read_events=ReadEvents(has.events, polls.feeds, polls.seats),
            wait_for_end=polls.wait_for_end,
            feeds=polls.feeds,
            seats=polls.seats,
            claim=ClaimJob(self.change, has.attempts, self.tokens, has.signer, has.clock),
            grant_outputs=GrantOutputs(
                self.gate,
                has.attempts,
                has.signer,
                has.clock,
                self.kinds,
                min(limits.upload_bytes, SINGLE_PUT_MAX_BYTES),
            ),
            record_report=RecordReport(
                self.gate, has.jobs, self.change, self.finish, has.assets, has.clock
            ),
            wait_s_max=limits.wait_s_max,
            slow_watcher_s=self.settings.timings.slow_watcher_s,
        )

    def perform(self) -> PerformEffects:
        """What performs the outbox."""
        has, change = self.has, self.change
        performers: dict[EffectKind, Performer] = {
            EffectKind.DISPATCH: DispatchJobs(
                has.job_line,
                change,
                self.endpoints.by_name(),
                has.clock,
                kind_caps_of(self.settings.limits.running_per_kind, self.kinds),
            ),
            EffectKind.SUBMIT: SubmitToCompute(
                change,
                has.attempts,
                has.compute,
                has.effects,
                self.tokens,
                has.clock,
                self.settings.public_base_url,
            ),
            EffectKind.CANCEL: CancelAtCompute(change, has.attempts, has.compute),
            EffectKind.ALERT: TellBudgetAlert(has.budgets, has.clock),
            EffectKind.SETTLE: SettleAttempt(has.jobs, has.attempts, has.clock, change.figures),
            EffectKind.SWEEP: SweepAttempt(has.jobs, has.attempts, has.objects, has.clock),
            EffectKind.ERASE: EraseJob(
                has.jobs,
                has.job_reuse,
                has.job_removal,
                has.attempts,
                has.objects,
                has.effects,
                has.assets,
                has.delivery_removal,
                has.clock,
            ),
            **wiring_keeping.performers(
                has.jobs,
                has.job_reuse,
                has.job_removal,
                has.erasures,
                change,
                has.uploads,
                has.assets,
                has.objects,
                has.multiparts,
                has.clock,
            ),
            EffectKind.WEBHOOK: self.webhooks.announce,
        }
        lease_s = self.settings.timings.effect_lease_s
        return PerformEffects(has.effects, performers, has.clock, has.new_id, lease_s)

    def tick(self, perform: PerformEffects, sweep_uploads: SweepUploads) -> Tick:
        """What happens though nobody asks."""
        has, timings = self.has, self.settings.timings
        patience = Patience(
            suspect_after_s=timings.suspect_after_s,
            lost_after_s=timings.lost_after_s,
            longest_gap_s=timings.gap_s,
        )
        watch = WatchAttempts(
            has.job_watch,
            has.attempts,
            self.change,
            self.finish,
            has.compute,
            has.clock,
            patience,
        )
        retain = wiring_keeping.retain(self.settings, has.retention, has.job_removal, has.clock)
        prune = wiring_keeping.prune(self.settings, has.job_pruning, has.clock)
        chores = (retain, sweep_uploads, prune, self.webhooks.prune)
        return Tick(perform, watch, has.liveness, has.clock, chores)
