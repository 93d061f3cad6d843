using FastEndpoints;
using Profiles.Data;
using Profiles.Infrastructure.Editing;

namespace Profiles.Features.UpdateMe;

sealed class UpdateMeMapper : Mapper<UpdateMeRequest, UpdateMeResponse, User>
{
    public override User UpdateEntity(UpdateMeRequest r, User e)
    {
        r.ApplyTo(e);
        e.Profile.Metadata = r.Metadata.Or(e.Profile.Metadata, MetadataText.Write);
        return e;
    }
}
