using Weir.Brokers.Kafka.Log;
using Weir.Relay.Brokers;
using Xunit;

namespace Weir.Brokers.Kafka.Tests;

/// <summary>The state of one partition at a node, and the waits for its records.</summary>
public sealed class PartitionStateTests
{
    [Fact]
    public async Task WhenRead_CompletesWithItsRecord_AndAtOnceAfterwards()
    {
        PartitionState partition = new(0);
        partition.MoveTo(5);

        Task sixth = partition.WhenReadAsync(6);
        partition.Advance(5);
        Assert.False(sixth.IsCompleted);
        partition.Advance(6);

        await sixth.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.True(partition.WhenReadAsync(6).IsCompletedSuccessfully);
        Assert.False(partition.WhenReadAsync(7).IsCompleted);
        Assert.Equal((7, 2), (partition.Next, partition.Received));
    }

    [Fact]
    public async Task WhenRead_OfARecordThatNoLongerExists_Fails()
    {
        PartitionState partition = new(0);
        partition.MoveTo(5);
        Task waiting = partition.WhenReadAsync(100);

        partition.MoveTo(0); // created anew

        BrokerUnavailableException error = await Assert.ThrowsAsync<BrokerUnavailableException>(() => waiting);
        Assert.True(error.IsUnknown);
    }

    [Fact]
    public void Written_OffsetsThatGoBack_AreSeen()
    {
        PartitionState partition = new(0);

        Assert.True(partition.TryNoteWritten(3));
        Assert.True(partition.TryNoteWritten(4));
        Assert.False(partition.TryNoteWritten(1));
        Assert.Equal(4, partition.LastWritten);
        partition.MoveTo(1);
        Assert.True(partition.TryNoteWritten(1));
    }

    [Fact]
    public async Task Probe_OfBefore_ProvesNothing()
    {
        PartitionState partition = new(0);
        Task first = partition.ExpectProbe(1);
        Task second = partition.ExpectProbe(2);

        partition.OnProbe(1);
        Assert.False(first.IsCompleted || second.IsCompleted);
        partition.OnProbe(2);

        await second.WaitAsync(TimeSpan.FromMinutes(1));
    }
}
