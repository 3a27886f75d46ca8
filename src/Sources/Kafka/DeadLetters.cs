using System.Globalization;
using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Weir.Sources.Kafka.Diagnostics;

namespace Weir.Sources.Kafka;

/// <summary>Writes records that cannot be published to a topic, as they were, with the reason and their place in headers.</summary>
internal sealed class DeadLetters(SourceConfigs configs, KafkaSourceOptions options, ILogger logger) : IDisposable
{
    private readonly IProducer<byte[]?, byte[]> _producer = new ProducerBuilder<byte[]?, byte[]>(configs.OfDeadLetters())
        .SetKeySerializer(new KeySerializer())
        .SetLogHandler((_, message) => KafkaSourceLog.Client(logger, message))
        .SetErrorHandler(static (_, _) => { }) // a record that is not written is reported by its own error
        .Build();

    /// <returns>False if it is not certain that Kafka has stored it.</returns>
    public async Task<bool> TryWriteAsync(ConsumeResult<byte[]?, byte[]?> record, string reason)
    {
        Headers headers = [];
        foreach (IHeader header in record.Message.Headers)
        {
            headers.Add(header.Key, header.GetValueBytes());
        }

        headers.Add("weir.reason", Encoding.UTF8.GetBytes(reason));
        headers.Add("weir.topic", Encoding.UTF8.GetBytes(record.Topic));
        headers.Add("weir.partition", Encoding.UTF8.GetBytes(record.Partition.Value.ToString(CultureInfo.InvariantCulture)));
        headers.Add("weir.offset", Encoding.UTF8.GetBytes(record.Offset.Value.ToString(CultureInfo.InvariantCulture)));
        try
        {
            await _producer.ProduceAsync(
                options.DeadLetterTopic,
                new Message<byte[]?, byte[]> { Key = record.Message.Key, Value = record.Message.Value!, Headers = headers })
                .ConfigureAwait(false);
            return true;
        }
        catch (ProduceException<byte[]?, byte[]> error)
        {
            KafkaSourceLog.DeadLetterFailed(logger, error, options.DeadLetterTopic);
            return false;
        }
    }

    public void Dispose()
    {
        _producer.Flush(TimeSpan.FromSeconds(10));
        _producer.Dispose();
    }

    private sealed class KeySerializer : ISerializer<byte[]?>
    {
        public byte[] Serialize(byte[]? data, SerializationContext context) => data!;
    }
}
