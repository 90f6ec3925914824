"""Real Kafka clients behind one interface."""

from conformance.clients.base import Client


def all_clients(cluster) -> list[Client]:
    """Every client that can run here against this cluster, and the others with the reason."""
    from conformance.clients.aio import AIOKafka
    from conformance.clients.confluent import Confluent
    from conformance.clients.java import Java
    from conformance.clients.kcat import Kcat
    from conformance.clients.kafkapython import KafkaPython

    return [Confluent(), Kcat(), KafkaPython(), AIOKafka(), Java(cluster.home)]
