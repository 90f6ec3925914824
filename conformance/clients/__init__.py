"""Real Kafka clients behind one interface."""

from conformance.clients.base import Client


def all_clients(home) -> list[Client]:
    """Every client there is; `unavailable` says which cannot run. `home` is where Kafka is."""
    from conformance.clients.aio import AIOKafka
    from conformance.clients.confluent import Confluent
    from conformance.clients.java import Java
    from conformance.clients.kcat import Kcat
    from conformance.clients.kafkapython import KafkaPython

    return [Confluent(), Kcat(), KafkaPython(), AIOKafka(), Java(home)]
