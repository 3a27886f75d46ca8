using Xunit;

namespace Weir.Brokers.Kafka.Tests;

/// <summary>Options that cannot be honoured are refused by name, without the values of properties.</summary>
public sealed class KafkaOptionsTests
{
    [Theory]
    [InlineData("enable.idempotence", "false")]
    [InlineData("acks", "1")]
    [InlineData("auto.offset.reset", "latest")]
    [InlineData("message.timeout.ms", "300000")]
    [InlineData("bootstrap.servers", "elsewhere:9092")]
    [InlineData("enable_auto_commit", "true")]
    [InlineData("test.mock.num.brokers", "1")]
    public void Property_OnWhichDeliveryDepends_IsRefusedByName(string name, string value)
    {
        KafkaOptions options = new();
        options.Client[name] = value;

        ArgumentException error = Assert.Throws<ArgumentException>(options.Validate);

        Assert.Contains(name.Replace('_', '.'), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Property_ThatLibrdkafkaDoesNotHave_IsRefusedByName()
    {
        KafkaOptions options = new();
        options.Client["sasl.usernam"] = "weir";

        Assert.Contains("sasl.usernam", Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Secret_IsNotInTheError()
    {
        KafkaOptions options = new();
        options.Client["ssl.key.pem"] = "hunter2hunter2";
        options.Client["security.protocol"] = "ssl";

        Assert.DoesNotContain("hunter2", Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a topic")]
    [InlineData("töpic")]
    public void Topic_OfNoValidName_IsRefused(string topic)
        => Assert.Contains("Topic", Assert.Throws<ArgumentException>(new KafkaOptions { Topic = topic }.Validate).Message, StringComparison.Ordinal);

    [Fact]
    public void Underscores_StandForDots()
    {
        KafkaOptions options = new();
        options.Client["security_protocol"] = "SASL_PLAINTEXT";
        options.Client["sasl_mechanism"] = "PLAIN";
        options.Client["sasl_username"] = "weir";
        options.Client["sasl_password"] = "secret";

        options.Validate();
    }
}
