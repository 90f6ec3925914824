"""Which fields of which messages Waxwing looks at, and the role each one plays.

Paths are the names of the definitions, joined by dots. A field that is not listed has no role:
it is stepped over. An array with a role announces its begin and end.
"""

NODE = {"NodeId": "nodeID", "Host": "host", "Port": "port", "Rack": "rack"}


def under(prefix, roles):
    return {f"{prefix}.{name}": role for name, role in roles.items()}


TOPIC_RESULT = {
    "Topics": "topics",
    "Topics.ErrorCode": "topicErrorCode",
    "Topics.Name": "topicName",
    "Topics.TopicId": "topicID",
}

ROLES = {
    ("Produce", "request"): {
        "TransactionalId": "transactionalID",
        "Acks": "acks",
        "TimeoutMs": "timeoutMilliseconds",
        "TopicData": "topics",
        "TopicData.Name": "topicName",
        "TopicData.TopicId": "topicID",
        "TopicData.PartitionData": "partitions",
        "TopicData.PartitionData.Index": "partitionIndex",
        "TopicData.PartitionData.Records": "records",
    },
    ("Produce", "response"): {
        "Responses": "topics",
        "Responses.Name": "topicName",
        "Responses.TopicId": "topicID",
        "Responses.PartitionResponses": "partitions",
        "Responses.PartitionResponses.Index": "partitionIndex",
        "Responses.PartitionResponses.ErrorCode": "errorCode",
        "Responses.PartitionResponses.BaseOffset": "baseOffset",
        "Responses.PartitionResponses.LogAppendTimeMs": "logAppendTimeMilliseconds",
        "Responses.PartitionResponses.LogStartOffset": "logStartOffset",
        "Responses.PartitionResponses.RecordErrors": "recordErrors",
        "Responses.PartitionResponses.RecordErrors.BatchIndex": "batchIndex",
        "Responses.PartitionResponses.ErrorMessage": "errorMessage",
        "ThrottleTimeMs": "throttleTimeMilliseconds",
        "NodeEndpoints": "nodeEndpoints",
        **under("NodeEndpoints", NODE),
    },
    ("Fetch", "request"): {
        "MaxWaitMs": "maxWaitMilliseconds",
        "MaxBytes": "bytesMax",
        "SessionId": "sessionID",
        "SessionEpoch": "sessionEpoch",
        "Topics": "topics",
        "Topics.Topic": "topicName",
        "Topics.TopicId": "topicID",
        "Topics.Partitions": "partitions",
        "Topics.Partitions.Partition": "partitionIndex",
        "Topics.Partitions.FetchOffset": "fetchOffset",
        "ForgottenTopicsData": "forgottenTopics",
        "ForgottenTopicsData.Topic": "topicName",
        "ForgottenTopicsData.TopicId": "topicID",
        "ForgottenTopicsData.Partitions": "forgottenPartitions",
    },
    ("Fetch", "response"): {
        "ThrottleTimeMs": "throttleTimeMilliseconds",
        "ErrorCode": "responseErrorCode",
        "SessionId": "sessionID",
        "Responses": "topics",
        "Responses.Topic": "topicName",
        "Responses.TopicId": "topicID",
        "Responses.Partitions": "partitions",
        "Responses.Partitions.PartitionIndex": "partitionIndex",
        "Responses.Partitions.ErrorCode": "errorCode",
        "Responses.Partitions.Records": "records",
        "NodeEndpoints": "nodeEndpoints",
        **under("NodeEndpoints", NODE),
    },
    ("ShareFetch", "request"): {
        "ShareSessionEpoch": "sessionEpoch",
        "MaxBytes": "bytesMax",
        "GroupId": "groupID",
        "Topics": "topics",
        "Topics.TopicId": "topicID",
        "Topics.Partitions": "partitions",
        "Topics.Partitions.PartitionIndex": "partitionIndex",
    },
    ("ShareFetch", "response"): {
        "ThrottleTimeMs": "throttleTimeMilliseconds",
        "ErrorCode": "responseErrorCode",
        "ErrorMessage": "responseErrorMessage",
        "Responses": "topics",
        "Responses.TopicId": "topicID",
        "Responses.Partitions": "partitions",
        "Responses.Partitions.PartitionIndex": "partitionIndex",
        "Responses.Partitions.ErrorCode": "errorCode",
        "Responses.Partitions.ErrorMessage": "errorMessage",
        "Responses.Partitions.Records": "records",
        "Responses.Partitions.AcquiredRecords": "acquiredRecords",
        "NodeEndpoints": "nodeEndpoints",
        **under("NodeEndpoints", NODE),
    },
    ("ShareAcknowledge", "response"): {
        "ErrorCode": "responseErrorCode",
        "NodeEndpoints": "nodeEndpoints",
        **under("NodeEndpoints", NODE),
    },
    ("Metadata", "request"): {
        "Topics": "topics",
        "Topics.TopicId": "topicID",
        "Topics.Name": "topicName",
        "AllowAutoTopicCreation": "allowAutoTopicCreation",
    },
    ("Metadata", "response"): {
        "ThrottleTimeMs": "throttleTimeMilliseconds",
        "Brokers": "brokers",
        **under("Brokers", NODE),
        "ClusterId": "clusterID",
        "ControllerId": "controllerID",
        **TOPIC_RESULT,
        "ErrorCode": "responseErrorCode",
    },
    ("FindCoordinator", "request"): {
        "Key": "coordinatorKey",
        "KeyType": "coordinatorKeyType",
        "CoordinatorKeys": "coordinatorKeys",
    },
    ("FindCoordinator", "response"): {
        "ErrorCode": "responseErrorCode",
        "NodeId": "nodeID",
        "Host": "host",
        "Port": "port",
        "Coordinators": "coordinators",
        "Coordinators.Key": "coordinatorKey",
        "Coordinators.NodeId": "nodeID",
        "Coordinators.Host": "host",
        "Coordinators.Port": "port",
        "Coordinators.ErrorCode": "errorCode",
    },
    ("DescribeCluster", "request"): {
        "EndpointType": "endpointType",
    },
    ("DescribeCluster", "response"): {
        "ErrorCode": "responseErrorCode",
        "EndpointType": "endpointType",
        "ClusterId": "clusterID",
        "ControllerId": "controllerID",
        "Brokers": "brokers",
        "Brokers.BrokerId": "nodeID",
        "Brokers.Host": "host",
        "Brokers.Port": "port",
        "Brokers.Rack": "rack",
        "Brokers.IsFenced": "isFenced",
    },
    ("ApiVersions", "request"): {
        "ClientSoftwareName": "clientSoftwareName",
        "ClientSoftwareVersion": "clientSoftwareVersion",
    },
    ("ApiVersions", "response"): {
        "ErrorCode": "responseErrorCode",
        "ApiKeys": "apiKeys",
        "ApiKeys.ApiKey": "apiKey",
        "ApiKeys.MinVersion": "versionMin",
        "ApiKeys.MaxVersion": "versionMax",
        "ThrottleTimeMs": "throttleTimeMilliseconds",
        "FinalizedFeatures": "finalizedFeatures",
        "FinalizedFeatures.Name": "featureName",
        "FinalizedFeatures.MaxVersionLevel": "featureLevelMax",
        "FinalizedFeatures.MinVersionLevel": "featureLevelMin",
    },
    ("SaslHandshake", "request"): {"Mechanism": "mechanism"},
    ("SaslHandshake", "response"): {
        "ErrorCode": "responseErrorCode",
        "Mechanisms": "mechanisms",
    },
    ("SaslAuthenticate", "request"): {"AuthBytes": "authBytes"},
    ("SaslAuthenticate", "response"): {
        "ErrorCode": "responseErrorCode",
        "ErrorMessage": "responseErrorMessage",
        "AuthBytes": "authBytes",
        "SessionLifetimeMs": "sessionLifetimeMilliseconds",
    },
    ("DescribeConfigs", "request"): {
        "Resources": "resources",
        "Resources.ResourceType": "resourceType",
        "Resources.ResourceName": "resourceName",
    },
    ("DescribeConfigs", "response"): {
        "Results": "resources",
        "Results.ErrorCode": "errorCode",
        "Results.ResourceType": "resourceType",
        "Results.ResourceName": "resourceName",
        "Results.Configs": "configs",
        "Results.Configs.Name": "configName",
        "Results.Configs.Value": "configValue",
        "Results.Configs.Synonyms": "synonyms",
        "Results.Configs.Synonyms.Name": "configName",
        "Results.Configs.Synonyms.Value": "configValue",
    },
    ("CreateTopics", "response"): TOPIC_RESULT,
    ("DescribeTopicPartitions", "response"): TOPIC_RESULT,
    ("DescribeQuorum", "response"): {
        "ErrorCode": "responseErrorCode",
        "Nodes": "nodes",
        "Nodes.NodeId": "nodeID",
        "Nodes.Listeners": "listeners",
    },
}

# Answered with a closed connection and left out of what clients are told: requests between
# brokers and controllers, the removed ZooKeeper-era ones, and those newer than the tables.
DENIED = {*range(4, 8), 27, *range(52, 55), 56, 58, 59, 62, 63, 67, 70, 73, *range(80, 88), 93, 94}

# ApiVersions v5 names the node and cluster the client means to reach; the tables stop before it.
VERSION_CAPS = {18: 4}
