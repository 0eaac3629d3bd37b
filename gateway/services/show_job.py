"""Use case: what a product needs to show a job: its newest event, and URLs of its outputs."""

from dataclasses import dataclass

from gateway.core.job import Job, no_such_job
from gateway.ports.event_log import Event
from gateway.ports.url_signer import SignedUrl, UrlSigner
from gateway.services.read_events import ReadEvents


@dataclass(frozen=True, slots=True)
class ShowJob:
    """A product renders events, for a poll and a socket alike; nothing is written.

    `url_life_s` is how long a URL of an output lives.
    """

    read_events: ReadEvents
    signer: UrlSigner
    url_life_s: int

    async def newest(self, job: Job) -> Event:
        """Return the newest event, which is as new as the job at least.

        Raises `NotFound` where the job was deleted since it was read.
        """
        page = await self.read_events(job, job.seq - 1, 0)
        if not page.events:
            raise no_such_job(f"job {job.id} was deleted")
        return page.events[-1]

    def output_url(self, key: str, file_name: str) -> SignedUrl:
        """Return a URL that downloads a published object under this name."""
        return self.signer.sign_get(key, expires_s=self.url_life_s, file_name=file_name)
