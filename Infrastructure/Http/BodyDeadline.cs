using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Options;
using Profiles.Infrastructure.Settings;

namespace Profiles.Infrastructure.Http;

/// <summary>Says of a route how long the body of a request may take to arrive.</summary>
sealed record BodyTimeout(TimeSpan Value);

/// <summary>
/// Gives each body a time in which all of it must have arrived. Within it a line may stand still or drip, as those of phones do; a least rate, as the server has one, would end those and let drip who
/// wants to hold on to what an upload holds.
/// </summary>
static class BodyDeadline
{
    /// <summary>The route waits so long for a body, and not for <see cref="ServiceOptions.BodyTimeout"/>.</summary>
    public static RouteHandlerBuilder ArrivesWithin(this RouteHandlerBuilder route, TimeSpan timeout) =>
        route.WithMetadata(new BodyTimeout(timeout)).ProducesProblem(StatusCodes.Status408RequestTimeout);

    /// <summary>Answers 408 to a request whose body does not arrive in time, counted from its headers.</summary>
    public static IApplicationBuilder UseBodyDeadline(this WebApplication app)
    {
        var usual = app.Services.GetRequiredService<IOptions<ServiceOptions>>().Value.BodyTimeout;
        return app.Use(async (context, next) =>
        {
            if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
            {
                await next(context);
                return;
            }
            using var deadline = new CancellationTokenSource(context.GetEndpoint()?.Metadata.GetMetadata<BodyTimeout>()?.Value ?? usual);
            context.Request.Body = new TimedBody(context.Request.Body, deadline.Token);
            await next(context);
        });
    }

    sealed class TimedBody(Stream body, CancellationToken deadline) : ReadOnlyStream
    {
        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline);
            try
            {
                return await body.ReadAsync(buffer, either.Token);
            }
            catch (OperationCanceledException e) when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw new BadHttpRequestException("The body did not arrive in time.", StatusCodes.Status408RequestTimeout, e);
            }
        }
    }
}
