using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Profiles.Infrastructure.OpenApi;

sealed class ContractDocument : IOpenApiDocumentTransformer
{
    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken) => Task.CompletedTask;
}
